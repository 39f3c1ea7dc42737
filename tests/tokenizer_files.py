"""Files of the library tokenizers, made in place."""

from pathlib import Path


def saved(path: Path, words: str) -> Path:
    """Write a tokenizer that splits at white space, adds <s> and cuts off behind two tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: number for number, word in enumerate(["<s>", "?", *words.split()])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    made.enable_truncation(2)
    made.enable_padding(length=9)
    path.parent.mkdir(exist_ok=True)
    made.save(str(path))
    return path
