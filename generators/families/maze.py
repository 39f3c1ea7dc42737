"""Grid mazes as text: find a shortest path from S to G; solved by A* with the Manhattan distance, in words."""

import collections
import dataclasses
import heapq
import json
import random
import re
from typing import ClassVar, Literal

from pydantic import Field

from generators.families.answer import committed
from generators.families.family import Family, Procedural, Slips, Trace
from schemas.annotation import Verdict
from schemas.problem import Problem

Cell = tuple[int, int]  # row from the top and column from the left, both from 0
Rows = tuple[str, ...]

STEPS: dict[str, Cell] = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
NAMES = {"U": "up", "D": "down", "L": "left", "R": "right"}
RULES = (
    "In the maze below # is a wall and . is free. Find a shortest path from S to G. A move goes one cell up (U), down "
    "(D), left (L) or right (R). Answer with the moves, separated by spaces.",
    "Here is a maze: # marks walls, . marks free cells. What is a shortest way from S to G? "
    "Write it as a list of moves U, D, L, R separated by spaces, one per cell.",
    "Find the fewest moves that lead from S to G in this maze (# is a wall, . is open). "
    "Use U, D, L and R for up, down, left and right, separated by spaces.",
)
OPENINGS = (
    "S is at {s} and G at {g}, counting rows and columns from 0.",
    "Start {s}, goal {g} (row, column, from 0).",
)
PLANS = (
    "I'll always open the cell with the smallest f = g + h, with h the Manhattan distance to G.",
    "A* it is: steps so far plus rows and columns still to go, smallest sum first.",
)
VISITS = (
    "Open {c}: g = {g}, h = {h}, f = {f}.",
    "Smallest f is {f}, at {c} ({g} + {h}).",
    "Next {c}, {g} + {h} = {f}.",
)
DEAD = ("Dead end.", "Nothing new from here.", "That leads nowhere.", "No new cells, so back to the others.")
WALLS = ("Wait, {c} is a wall, not open", "Hold on, there is a # at {c}", "Hmm, no, {c} is a wall")
FREES = ("Wait, {c} isn't a wall, it is free", "Hold on, {c} is open after all", "Hmm, looking again, {c} is free")
SUMS = (
    "Wait, h is {r}, not {w}.",
    "Hmm, {w} is off: the distance is {r}.",
    "Let me double-check h: it is {r}, not {w}.",
)
VERIFY = 0.25  # share of chains that walk the path at the end; a choice of style, no more
ATTEMPTS = 2


class Maze(Procedural):
    """`[problems] source = "maze"`.  Rooms in a rectangle, joined to a tree; then some of the walls left are opened."""

    name: ClassVar[str] = "maze"
    source: Literal["maze"] = "maze"
    width: int = Field(5, ge=2, le=20, description="rooms in a row; the drawing is 2 x width + 1 characters wide")
    height: int = Field(5, ge=2, le=20, description="rooms in a column; the drawing is 2 x height + 1 lines high")
    loops: float = Field(0.1, ge=0, le=1, strict=False, description="share of the walls left between rooms that are opened")

    def draw(self, rng: random.Random) -> Problem:
        """Return one problem; its answer is one of the shortest paths."""
        rows = self._carved(rng)
        path = shortest(rows)
        return Problem.of(
            question=rng.choice(RULES) + "\n\n" + "\n".join(rows),
            answer=" ".join(path or ""),
            checker=self.name,
            source=self.name,
            subject="search",
            language="en",
            metadata=json.dumps({"maze": rows}, separators=(",", ":"), sort_keys=True),
        )

    def _carved(self, rng: random.Random) -> Rows:
        grid = [["#"] * (2 * self.width + 1) for _ in range(2 * self.height + 1)]
        rooms = [(row, column) for row in range(self.height) for column in range(self.width)]
        stack = [rng.choice(rooms)]
        unseen = set(rooms) - set(stack)
        while stack:
            row, column = stack[-1]
            grid[2 * row + 1][2 * column + 1] = "."
            near = [(row + down, column + right) for down, right in STEPS.values()]
            new = [room for room in near if room in unseen]
            if not new:
                stack.pop()
                continue
            room = rng.choice(new)
            grid[row + room[0] + 1][column + room[1] + 1] = "."
            unseen.remove(room)
            stack.append(room)
        for row in range(1, 2 * self.height):
            for column in range(1, 2 * self.width):
                if (row + column) % 2 and grid[row][column] == "#" and rng.random() < self.loops:
                    grid[row][column] = "."
        for mark, (row, column) in zip("SG", rng.sample(rooms, 2), strict=True):
            grid[2 * row + 1][2 * column + 1] = mark
        return tuple("".join(line) for line in grid)


def _find(rows: Rows, mark: str) -> Cell:
    row = next(index for index, line in enumerate(rows) if mark in line)
    return row, rows[row].index(mark)


def _moved(cell: Cell, move: str) -> Cell:
    return cell[0] + STEPS[move][0], cell[1] + STEPS[move][1]


def _inside(rows: Rows, cell: Cell) -> bool:
    return 0 <= cell[0] < len(rows) and 0 <= cell[1] < len(rows[cell[0]])


def shortest(rows: Rows) -> str | None:
    """Return the moves of a shortest path from S to G, such as "RRDD"; None where no path exists."""
    start, goal = _find(rows, "S"), _find(rows, "G")
    paths = {start: ""}
    queue = collections.deque([start])
    while queue:
        cell = queue.popleft()
        if cell == goal:
            return paths[cell]
        for move in STEPS:
            near = _moved(cell, move)
            if _inside(rows, near) and near not in paths and rows[near[0]][near[1]] != "#":
                paths[near] = paths[cell] + move
                queue.append(near)
    return None


@dataclasses.dataclass(slots=True)
class _Explorer:
    """An A* search that writes as it goes."""

    rows: Rows
    goal: Cell
    rng: random.Random
    slips: Slips
    lines: list[str]
    order: str

    def distance(self, cell: Cell) -> tuple[int, str]:
        """Return the Manhattan distance to G as the work has it, and words where a slip was mended."""
        right = abs(cell[0] - self.goal[0]) + abs(cell[1] - self.goal[1])
        if not self.slips.slip(self.rng):
            return right, ""
        wrong = right + self.rng.choice((1, 2, 3))
        if self.slips.noticed(self.rng):
            return right, " " + self.rng.choice(SUMS).format(r=right, w=wrong)
        return wrong, ""

    def free(self, cell: Cell) -> tuple[bool, str]:
        """Return whether a cell reads as free, and words where a misreading was mended."""
        right = self.rows[cell[0]][cell[1]] != "#"
        rim = cell[0] in (0, len(self.rows) - 1) or cell[1] in (0, len(self.rows[0]) - 1)
        if rim or not self.slips.slip(self.rng):
            return right, ""
        if self.slips.noticed(self.rng):
            return right, self.rng.choice(FREES if right else WALLS).format(c=cell)
        return not right, ""

    def search(self, start: Cell) -> str | None:
        """Write the search; return the moves found, None where it runs out of cells."""
        heap = [(0, 0, 0, start, "")]
        reached = {start: 0}
        count = 0
        closed: set[Cell] = set()
        while heap:
            *_, cell, path = heapq.heappop(heap)
            if cell in closed:
                continue
            closed.add(cell)
            if cell == self.goal:
                words = (
                    "{c} is G, reached in {n} steps.",
                    "That is the goal, after {n} moves.",
                    "G at last: {n} steps.",
                )
                self.lines.append(self.rng.choice(words).format(c=cell, n=len(path)))
                return path
            left, aside = self.distance(cell)
            visit = self.rng.choice(VISITS).format(c=cell, g=len(path), h=left, f=len(path) + left)
            said = []
            for move in self.order:
                near = _moved(cell, move)
                if near in closed:
                    continue
                free, mend = self.free(near)
                if mend:
                    said.append(mend)
                if not free or reached.get(near, len(path) + 2) <= len(path) + 1:
                    continue
                reached[near] = len(path) + 1
                estimate, again = self.distance(near)
                count += 1
                heapq.heappush(heap, (len(path) + 1 + estimate, estimate, count, near, path + move))
                said.append(f"{NAMES[move]} to {near}, f = {len(path) + 1} + {estimate}{again.rstrip('.')}")
            found = f" {'; '.join(said)}." if said else f" {self.rng.choice(DEAD)}"
            self.lines.append(visit + aside + found)
        return None

    def walked(self, start: Cell, path: str) -> bool:
        """Write a walk along the path on the true maze; return whether it keeps to free cells and ends at G."""
        cells = [start]
        for move in path:
            cells.append(_moved(cells[-1], move))
            row, column = cells[-1]
            if self.rows[row][column] == "#":
                self.lines.append(f"Let me walk it: {' '.join(map(str, cells))}, but {cells[-1]} is a wall. That can't be right.")
                return False
        self.lines.append(
            f"Let me walk it: {' '.join(map(str, cells))}. " + ("That works." if cells[-1] == self.goal else "Not G.")
        )
        return cells[-1] == self.goal


def solve(problem: Problem, rng: random.Random, slips: Slips) -> Trace:
    """Return an A* search in words; with `slips.rate` 0 its path is always a shortest one."""
    rows: Rows = tuple(json.loads(problem.metadata)["maze"])
    start, goal = _find(rows, "S"), _find(rows, "G")
    lines = [rng.choice(OPENINGS).format(s=start, g=goal), rng.choice(PLANS)]
    explorer = _Explorer(rows, goal, rng, slips, lines, "".join(rng.sample("UDLR", 4)))
    verify = rng.random() < VERIFY
    path = None
    for attempt in range(1, ATTEMPTS + 1):
        path = explorer.search(start)
        if path is None:
            lines.append("No cells are left, and G is not among those I reached.")
        if path is not None and (not verify or explorer.walked(start, path)):
            break
        if attempt < ATTEMPTS:
            lines.append(rng.choice(("I must have misread the maze. Again.", "Let me look once more, more carefully.")))
    reasoning = rng.choice((" ", "\n")).join(lines)
    return Trace(reasoning, f"The answer is {' '.join(path)}." if path else "I could not find a path.")


MAX_LENGTH = 10_000  # characters of an answer; the largest maze has 841 free cells, so 841 moves
TOKEN = re.compile(r"up|down|left|right|[udlr←↑→↓]|[\s,;.\-–>()\[\]\"'`*$]+", re.IGNORECASE)
MOVE = re.compile(r"[←↑→↓]|\b(?:up|down|left|right|[udlr])\b", re.IGNORECASE)
ARROWS = {"↑": "U", "↓": "D", "←": "L", "→": "R"}


def _moves(text: str) -> str | None:
    """Return the moves that a text lists, such as "RRDD"; None where something else is in it."""
    moves, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            return None
        first = match[0][0].upper()
        moves.append(ARROWS.get(first, first if first in STEPS else ""))
        position = match.end()
    return "".join(moves)


class MazeChecker:
    """Accepts any shortest path.  A path that ends at G but is longer is incorrect, reason `not_shortest`."""

    name = "maze_v1"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict.  Text that is no list of moves is `unsure`; none at all is `incorrect`."""
        try:
            rows: Rows = tuple(map(str, json.loads(problem.metadata)["maze"]))
            best = shortest(rows) or ""
        except (ValueError, KeyError, TypeError, StopIteration):
            return Verdict("error", None, self.name, "gold_unreadable")
        lines = committed(response).splitlines()
        text = lines[-1].strip() if lines else ""
        if len(text) > MAX_LENGTH:
            return Verdict("unsure", text[:MAX_LENGTH], self.name, "too_long")
        moves = _moves(text)
        if moves is None and MOVE.search(text):
            return Verdict("unsure", text, self.name, "unparsed")
        if not moves:
            return Verdict("incorrect", None, self.name, "no_answer")
        reason = _judged(rows, moves, len(best))
        return Verdict("correct" if reason == "equal" else "incorrect", " ".join(moves), self.name, reason)


def _judged(rows: Rows, moves: str, fewest: int) -> str:
    cell = _find(rows, "S")
    for move in moves:
        cell = _moved(cell, move)
        if not _inside(rows, cell):
            return "off_grid"
        if rows[cell[0]][cell[1]] == "#":
            return "through_wall"
    if cell != _find(rows, "G"):
        return "misses_goal"
    return "equal" if len(moves) <= fewest else "not_shortest"


FAMILY = Family(source=Maze, solve=solve, checker=MazeChecker())
