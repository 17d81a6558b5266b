"""Tokenisers of real models with fewer pieces: each as the keys of a GGUF file, and as the files
that a Hugging Face directory has. Standard library only."""

from pathlib import Path

import gguf_file
from gguf_file import CONTROL, F32, I32, NORMAL, UNUSED, USER_DEFINED, boolean, string, u32
from modality import need

PIECES = 4000  # of those that are longer than a character

LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
                  r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2_PATTERN = LLAMA3_PATTERN.replace(r"\p{N}{1,3}", r"\p{N}")


def read_vocabulary(name):
    """The keys of a real model's vocabulary without their prefix."""
    keys = gguf_file.read_keys(Path(need("RBEE_TEST_VOCABS")) / f"ggml-vocab-{name}.gguf")
    return {key.removeprefix("tokenizer.").removeprefix("ggml."): value
            for key, value in keys.items() if key.startswith("tokenizer.")}


def template(before, after, ids):
    """What puts special tokens around a text."""
    def special(token, part):
        return {"SpecialToken": {"id": token, "type_id": part}}

    def sequence(name, part):
        return {"Sequence": {"id": name, "type_id": part}}

    single = ([special(each, 0) for each in before] + [sequence("A", 0)] +
              [special(each, 0) for each in after])
    pair = (single + ([] if after else [special(each, 1) for each in before]) +
            [sequence("B", 1)] + [special(each, 1) for each in after])
    return {"type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {each: {"id": each, "ids": [ids[each]], "tokens": [each]}
                               for each in (*before, *after)}}


class Tokenizer:
    """What all have: the texts and kinds of their tokens as a GGUF file names them, and which of
    them stand apart from the text."""

    MODEL = ""  # of the GGUF file
    CLASS = "PreTrainedTokenizerFast"

    def __init__(self, pre, chat_template=None):
        self.pre = pre
        self.chat_template = chat_template
        self.tokens = []
        self.kinds = []
        self.added = {}  # text → more fields of tokenizer.json
        self.roles = {}  # word of tokenizer_config.json, e.g. "bos" → text
        self.adds_begin = self.adds_end = None

    def add(self, text, kind, **fields):
        """A token apart from the text."""
        if text not in self.tokens:
            self.tokens.append(text)
            self.kinds.append(kind)
        self.added[text] = {"single_word": False, "lstrip": False, "rstrip": False,
                            "normalized": kind == USER_DEFINED, "special": kind == CONTROL,
                            **fields}

    def id_of(self, text):
        return self.tokens.index(text)

    def role_id(self, role):
        return self.id_of(self.roles[role])

    def pad(self, count):
        """Rows of the embedding without a token, as models have them for their sizes' sake."""
        for index in range(len(self.tokens), len(self.tokens) + count):
            self.tokens.append(f"[PAD{index}]")
            self.kinds.append(UNUSED)

    def keys(self):
        keys = [string("tokenizer.ggml.model", self.MODEL),
                string("tokenizer.ggml.pre", self.pre),
                gguf_file.strings("tokenizer.ggml.tokens", self.tokens),
                gguf_file.numbers("tokenizer.ggml.token_type", I32, self.kinds)]
        words = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding",
                 "sep": "seperator", "cls": "cls", "mask": "mask"}
        for role in self.roles:
            keys.append(u32(f"tokenizer.ggml.{words[role]}_token_id", self.role_id(role)))
        if self.adds_begin is not None:
            keys.append(boolean("tokenizer.ggml.add_bos_token", self.adds_begin))
        if self.adds_end is not None:
            keys.append(boolean("tokenizer.ggml.add_eos_token", self.adds_end))
        if self.chat_template:
            keys.append(string("tokenizer.chat_template", self.chat_template))
        return keys

    def json(self):
        """tokenizer.json"""
        return {"version": "1.0", "truncation": None, "padding": None,
                "added_tokens": [{"id": self.id_of(text), "content": text, **fields}
                                 for text, fields in self.added.items()],
                **self.stages()}

    def config(self):
        """tokenizer_config.json"""
        config = {f"{role}_token": text for role, text in self.roles.items()}
        config["added_tokens_decoder"] = {str(self.id_of(text)): {"content": text, **fields}
                                          for text, fields in self.added.items()}
        config["tokenizer_class"] = self.CLASS
        config["clean_up_tokenization_spaces"] = False
        config["model_max_length"] = 512
        return config


class ByteLevel(Tokenizer):
    """Pieces of bytes, each of them spelled as a character, joined by rank."""

    MODEL = "gpt2"

    def __init__(self, vocabulary, pre, special, **more):
        super().__init__(pre, **more)
        real = read_vocabulary(vocabulary)
        self.tokens = real["tokens"][:256 + PIECES]
        self.kinds = [NORMAL] * len(self.tokens)
        kept = set(self.tokens)
        pairs = [merge.split(" ") for merge in real["merges"]]
        self.merges = [[a, b] for a, b in pairs if a in kept and b in kept and a + b in kept]
        self.plain = len(self.tokens)
        for each in special:
            self.add(each, CONTROL)
        self.chat_template = self.chat_template or real.get("chat_template")
        self.normalizer = None
        self.pattern = None  # the tokeniser's own, else that of GPT-2
        self.ignores_merges = False
        self.merges_are_pairs = False  # as newer files have them
        self.around = ([], [])  # tokens before and after a text

    def keys(self):
        return super().keys() + [
            gguf_file.strings("tokenizer.ggml.merges", [f"{a} {b}" for a, b in self.merges])]

    def stages(self):
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                      "use_regex": self.pattern is None}
        before = byte_level
        if self.pattern:
            split = {"type": "Split", "pattern": {"Regex": self.pattern}, "behavior": "Isolated",
                     "invert": False}
            before = {"type": "Sequence", "pretokenizers": [split, byte_level]}
        after = {**byte_level, "trim_offsets": False}
        if any(self.around):
            ids = {text: self.id_of(text) for text in self.added}
            after = {"type": "Sequence", "processors": [after, template(*self.around, ids)]}
        merges = self.merges if self.merges_are_pairs else [f"{a} {b}" for a, b in self.merges]
        return {"normalizer": self.normalizer, "pre_tokenizer": before, "post_processor": after,
                "decoder": byte_level,
                "model": {"type": "BPE", "dropout": None, "unk_token": None,
                          "continuing_subword_prefix": None, "end_of_word_suffix": None,
                          "fuse_unk": False, "byte_fallback": False,
                          "ignore_merges": self.ignores_merges,
                          "vocab": {text: i for i, text in enumerate(self.tokens[:self.plain])},
                          "merges": merges}}


class SentencePiece(Tokenizer):
    """Pieces of characters, joined by score; bytes where there is no piece."""

    MODEL = "llama"
    CLASS = "LlamaTokenizerFast"

    def __init__(self, vocabulary, **more):
        super().__init__("default", **more)
        real = read_vocabulary(vocabulary)
        kept = [i for i, (text, kind) in enumerate(zip(real["tokens"], real["token_type"]))
                if kind != UNUSED and not text.startswith(("<|", "[PAD"))
                and (i < 259 + PIECES or len(text) == 1)]
        self.tokens = [real["tokens"][i] for i in kept]
        self.kinds = [real["token_type"][i] for i in kept]
        self.scores = [real["scores"][i] for i in kept]
        self.plain = len(self.tokens)
        for text in ("<unk>", "<s>", "</s>"):
            self.add(text, CONTROL)
        self.chat_template = self.chat_template or real.get("chat_template")
        self.roles = {"bos": "<s>", "eos": "</s>", "unk": "<unk>"}
        self.adds_begin, self.adds_end = True, False
        self.metaspace = False  # spaces are marked before the pieces are found, as newer files say

    def keys(self):
        scores = self.scores + [-1000.0] * (len(self.tokens) - self.plain)
        keys = super().keys() + [gguf_file.numbers("tokenizer.ggml.scores", F32, scores)]
        # Of a space before the text as a whole, and not before each part, libllama knows nothing.
        if self.metaspace:
            keys += [boolean("tokenizer.ggml.add_space_prefix", False),
                     boolean("rbee.tokenizer.leading_space", True)]
        return keys

    def merges(self):
        """Each pair of pieces that makes a piece, the best piece first.
        Source: transformers, SentencePieceExtractor.extract."""
        ids = {text: i for i, text in enumerate(self.tokens[:self.plain])
               if self.kinds[i] == NORMAL}
        found = []
        for text, i in ids.items():
            pairs = [(text[:at], text[at:]) for at in range(1, len(text))]
            pairs = [(a, b) for a, b in pairs if a in ids and b in ids]
            found += [(-self.scores[i], i, ids[a], ids[b], a, b) for a, b in pairs]
        return [f"{a} {b}" for *_, a, b in sorted(found)]

    def stages(self):
        mark = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        normalizer = {"type": "Sequence",
                      "normalizers": [{"type": "Prepend", "prepend": "▁"}, mark]}
        before = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first",
                  "split": False}
        unmark = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
        ids = {"<s>": self.id_of("<s>")}
        return {"normalizer": None if self.metaspace else normalizer,
                "pre_tokenizer": before if self.metaspace else None,
                "post_processor": template(["<s>"], [], ids),
                "decoder": {"type": "Sequence", "decoders": [
                    unmark, {"type": "ByteFallback"}, {"type": "Fuse"},
                    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
                "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                          "continuing_subword_prefix": None, "end_of_word_suffix": None,
                          "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                          "vocab": {text: i for i, text in enumerate(self.tokens[:self.plain])},
                          "merges": self.merges()}}

    def config(self):
        return {**super().config(), "add_bos_token": True, "add_eos_token": False}


class WordPiece(Tokenizer):
    """The longest pieces of each word from its beginning. In a GGUF file the beginnings of words
    are marked, in tokenizer.json all others."""

    MODEL = "bert"
    CLASS = "BertTokenizer"

    def __init__(self, vocabulary):
        super().__init__(vocabulary)
        for text in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"):
            self.add(text, CONTROL)
        real = [text for text, kind in zip(*map(read_vocabulary(vocabulary).get,
                                                ("tokens", "token_type")))
                if kind == NORMAL and not text.startswith("[unused")]
        long = [text for text in real if len(text.removeprefix("▁")) > 1][:PIECES]
        kept = {text for text in real if len(text.removeprefix("▁")) == 1}.union(long)
        self.tokens += [text for text in real if text in kept]
        self.kinds += [NORMAL] * len(kept)
        self.roles = {"cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "pad": "[PAD]",
                      "mask": "[MASK]", "bos": "[CLS]", "eos": "[SEP]"}

    def json_text(self, token):
        if token in self.added:
            return token
        return token[1:] if token.startswith("▁") else "##" + token

    def keys(self):
        return super().keys() + [u32("tokenizer.ggml.token_type_count", 2)]

    def stages(self):
        ids = {text: self.id_of(text) for text in self.added}
        return {"normalizer": {"type": "BertNormalizer", "clean_text": True,
                               "handle_chinese_chars": True, "strip_accents": None,
                               "lowercase": True},
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "post_processor": template(["[CLS]"], ["[SEP]"], ids),
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                "model": {"type": "WordPiece", "unk_token": "[UNK]",
                          "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                          "vocab": {self.json_text(text): i
                                    for i, text in enumerate(self.tokens)}}}

    def config(self):
        config = super().config()
        del config["bos_token"], config["eos_token"]
        return {**config, "do_lower_case": True, "strip_accents": None,
                "tokenize_chinese_chars": True}


CHAT = ("{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
        "{{ message['content'] }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}"
        "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}")


def llama3():
    begin, end = "<|begin_of_text|>", "<|end_of_text|>"
    made = ByteLevel("llama-bpe", "llama-bpe",
                     [begin, end, "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
                     chat_template=CHAT)
    made.roles = {"bos": begin, "eos": end}
    made.pattern = LLAMA3_PATTERN
    made.ignores_merges = True
    made.around = ([begin], [])
    made.adds_begin = True
    return made


def qwen2(adds_end=False):
    made = ByteLevel("qwen2", "qwen2", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    made.normalizer = {"type": "NFC"}
    made.pattern = QWEN2_PATTERN
    made.merges_are_pairs = True
    made.roles = {"eos": "<|im_end|>", "pad": "<|endoftext|>"}
    made.adds_begin = False
    if adds_end:  # as those for embeddings do
        made.roles["eos"] = "<|endoftext|>"
        made.around = ([], ["<|endoftext|>"])
        made.adds_end = True
    return made


def phi2():
    made = ByteLevel("gpt-2", "phi-2", ["<|endoftext|>"])
    for spaces in (" " * 8, " " * 4, "\t\t"):
        made.add(spaces, USER_DEFINED)
    made.roles = {"bos": "<|endoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>"}
    made.adds_begin = False
    return made


def mistral():
    made = SentencePiece("llama-spm")
    made.metaspace = True
    return made


def phi3():
    made = SentencePiece("phi-3")
    made.add("</s>", USER_DEFINED, rstrip=True, normalized=False)
    for text in ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"):
        made.add(text, CONTROL, rstrip=text != "<|endoftext|>")
    made.roles.update({"eos": "<|endoftext|>", "pad": "<|endoftext|>"})
    return made


def bert():
    return WordPiece("bert-bge")
