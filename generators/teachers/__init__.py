"""The teachers: `kind` in `[teacher.NAME]`, and the table that reads it."""

from generators.teachers.mixture import MixtureTable
from generators.teachers.openai import OpenAITable
from generators.teachers.recorded import RecordedTable
from generators.teachers.reward import RewardTable
from generators.teachers.solver import SolverTable
from generators.teachers.table import TeacherTable
from generators.teachers.vllm import VllmTable

TEACHERS: dict[str, type[TeacherTable]] = {
    "openai": OpenAITable,
    "mixture": MixtureTable,
    "recorded": RecordedTable,
    "reward": RewardTable,
    "solver": SolverTable,
    "vllm": VllmTable,
}
