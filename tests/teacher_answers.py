"""What the test server says: bodies in OpenAI's protocol, each a pure function of prompt, seed and the choice's number."""

import hashlib
import json
import re
from typing import Any

import orjson

WORDS = (
    "first",
    "then",
    "so",
    "now",
    "carry",
    "add",
    "take",
    "check",
    "sum",
    "rest",
    "left",
    "whole",
    "part",
    "next",
    "both",
    "ones",
)
_OPTION = re.compile(r"^\(([A-Z])\) (.+)$", re.MULTILINE)
_PAIR = re.compile(r'^{"reference":.*}$', re.MULTILINE)
_GRADED = re.compile(r'^{"problem":.*}$', re.MULTILINE)
_TAGGED = re.compile(r'^{"question":.*}$', re.MULTILINE)
_SENTENCE = re.compile(r"[^\s.?!][^.?!]*[.?!]")
_ARITHMETIC = re.compile(r"What is (\d{1,18}) ([-+×*]) (\d{1,18})\?")


def draw(*parts: object) -> float:
    """Return a number from 0 up to 1 that depends on the parts alone."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=6).digest(), "big") / 2**48


def prompt_of(body: dict[str, Any]) -> str:
    """Return the text that a request asks about."""
    prompt = body.get("prompt")
    return prompt if isinstance(prompt, str) else "\n".join(str(message.get("content")) for message in body["messages"])


def answer_to(prompt: str, seed: object, choice: int, right: float, words: int) -> tuple[str, str]:
    """Return thought and response, of `words` words or a few more.

    A question like "What is 12 + 30?" is solved, for the share `right` of all answers rightly, and answered with its option's
    label where it has options; a pair to judge gets EQUIVALENT where the answer holds the reference; a solution to grade gets 10
    where it is right and 2 where it is not; a chain to tag gets hesitation for each sentence with "Wait", verification for each
    with "check", a label that is none and a quote that stands nowhere; any other question gets a number by chance.
    """
    digest = hashlib.blake2b(f"{seed}/{choice}/{prompt}".encode(), digest_size=64).digest()
    thought = " ".join(WORDS[digest[at % 64] % len(WORDS)] for at in range(words))
    if (pair := _PAIR.search(prompt)) is not None:
        fields = json.loads(pair[0])
        return thought, "EQUIVALENT" if fields["reference"].casefold() in fields["answer"].casefold() else "DIFFERENT"
    if (graded := _GRADED.search(prompt)) is not None:
        fields = json.loads(graded[0])
        return thought, "10" if _is_solved(fields["problem"], fields["solution"]) else "2"
    if (tagged := _TAGGED.search(prompt)) is not None:
        return thought, _tags_of(json.loads(tagged[0])["chain"])
    asked = _ARITHMETIC.search(prompt)
    if asked is None:
        return thought, f"The answer is {int.from_bytes(digest[:3], 'big')}."
    value = _value_of(asked)
    if draw("right", prompt, seed, choice) >= right:
        value += 1 + digest[0]
    if options := {text: label for label, text in _OPTION.findall(prompt)}:
        return thought, f"{asked[0]} It is {value}.\nThe answer is ({options.get(str(value), 'A')})."
    return thought, f"{asked[0]} It is {value}.\nThe answer is {value}."


def _value_of(asked: "re.Match[str]") -> int:
    a, b = int(asked[1]), int(asked[3])
    return a + b if asked[2] == "+" else a - b if asked[2] == "-" else a * b


def _tags_of(chain: str) -> str:
    words = {"Wait": "hesitation", "check": "verification"}
    sentences = _SENTENCE.findall(chain)
    found = [{"label": label, "quote": one} for one in sentences for word, label in words.items() if word in one]
    lost = [{"label": "doubt", "quote": sentences[0]}, {"label": "summary", "quote": "This stands nowhere."}] if found else []
    return json.dumps([*found, *lost])


def _is_solved(question: str, solution: str) -> bool:
    asked = _ARITHMETIC.search(question)
    return asked is not None and solution.rstrip().endswith(f"The answer is {_value_of(asked)}.")


def pooled(body: dict[str, Any]) -> dict[str, Any]:
    """Return what vLLM's /pooling answers: a reward over 0.5 for a solution that is right, under 0.5 for any other.

    As a `logit` beside it, which vLLM has not, it is over or under 0.
    """
    prompt, solution = (str(body["messages"][place]["content"]) for place in (0, -1))
    reward = draw("reward", prompt, solution) / 2 + 0.5 * _is_solved(prompt, solution)
    tokens = len(prompt_of(body).split())
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    return {
        "id": "test",
        "object": "list",
        "data": [{"index": 0, "object": "pooling", "data": [reward], "logit": reward - 0.5}],
        "usage": usage,
    }


def completion(body: dict[str, Any], chat: bool, n: int, mode: str, right: float, words: int, extra: str = "") -> dict[str, Any]:
    """Return the body of an answer with n choices; `extra` is put behind each response."""
    prompt, seed, most = prompt_of(body), body.get("seed"), body.get("max_tokens") or body.get("max_completion_tokens") or 2**31
    choices, tokens = [], 0
    for number in range(n):
        thought, response = answer_to(prompt, seed, number, right, words)
        used = len(thought.split()) + len(response.split())
        response += extra
        tokens += min(used, most)
        reason = "stop" if used <= most else "length"
        choices.append(_choice(number, chat, mode, thought, response, reason, body.get("logprobs") and min(used, most)))
    asked = len(prompt.split())
    return {
        "id": "test",
        "object": "chat.completion" if chat else "text_completion",
        "model": body.get("model"),
        "choices": choices,
        "usage": {"prompt_tokens": asked, "completion_tokens": tokens, "total_tokens": asked + tokens},
    }


def _choice(number: int, chat: bool, mode: str, thought: str, response: str, reason: str, listed: int | None) -> dict[str, Any]:
    """Return one choice; `listed` tokens with the log-probability -0.5 each, none where it is null."""
    choice: dict[str, Any] = {"index": number, "finish_reason": reason}
    text = f"<think>\n{thought}\n</think>\n\n{response}" if mode == "inline" else response
    if not chat:
        choice["text"] = text
        if listed:
            choice["logprobs"] = {"tokens": ["x"] * listed, "token_logprobs": [-0.5] * listed}
        return choice
    choice["message"] = {"role": "assistant", "content": text}
    if mode in ("reasoning", "reasoning_content"):
        choice["message"][mode] = thought
    if listed:
        choice["logprobs"] = {"content": [{"token": "x", "logprob": -0.5} for _ in range(listed)]}
    return choice


def escaped(body: bytes, text: str) -> bytes:
    """Return a JSON body in which a text is spelled with \\u escapes: the same JSON in other bytes."""
    return body.replace(text.encode(), "".join(f"\\u{ord(one):04x}" for one in text).encode())


def error_body(message: str, code: str) -> bytes:
    """Return an error as OpenAI's servers word it."""
    return orjson.dumps({"error": {"message": message, "type": "test_error", "param": None, "code": code}})
