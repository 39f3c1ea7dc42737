"""The teachers: `kind` in `[teacher.NAME]`, and the table that reads it."""

from generators.teachers.recorded import RecordedTable
from generators.teachers.solver import SolverTable

TEACHERS: dict[str, type[RecordedTable | SolverTable]] = {
    "recorded": RecordedTable,
    "solver": SolverTable,
}
