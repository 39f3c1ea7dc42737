"""What sampling turns away, as rejects: completions that nobody asked for, problems that were not asked."""

from collections.abc import Iterable

from generators.teachers.recorded import RecordedTeacher
from generators.teachers.teacher import Recorded, Teacher
from schemas.problem import Problem
from schemas.reject import Reject, shown


def not_asked(teachers: Iterable[Teacher], limited: bool) -> list[Reject]:
    """Return the recorded completions that no sample was made of, as rejects."""
    return [
        _reject(one, asked)
        for teacher in teachers
        if isinstance(teacher, RecordedTeacher)
        for one, asked in teacher.left()
        if asked or not limited
    ]


def _reject(one: Recorded, asked: bool) -> Reject:
    beyond = "it was recorded for a problem that has as many of its samples as the strategy asks for"
    nothing = "it was recorded for a question that is none of the problems"
    return Reject(
        stage="sample",
        reason="not_asked_for" if asked else "no_such_problem",
        detail=f"teacher {one.teacher!r}: {beyond if asked else nothing}",
        raw=shown(one.response or one.reasoning),
        source=one.teacher,
    )


def unjudgeable(problem: Problem, strategy: str, reason: str) -> Reject:
    """Return a problem that is not asked, since no answer to it could be judged."""
    return Reject(
        stage="sample",
        reason=reason,
        detail=f"problem {problem.problem_id} cannot be judged, which strategy {strategy!r} needs; it was not asked",
        raw=shown(problem.question),
        source=problem.source,
    )
