"""Small models of random weights that make vectors of texts, with what sentence-transformers puts
beside them. Source: sentence-transformers, modules.json and models/Pooling.py."""

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np

import tokenizer_files
from gguf_file import boolean, u32
from hugging_face_models import CONTEXT, FEED_FORWARD, WIDTH, Model, Phi2, Qwen

# The word of a way from the tokens' vectors to the text's, and what llama.cpp calls it.
POOLINGS = {"mean": ("pooling_mode_mean_tokens", 1), "cls": ("pooling_mode_cls_token", 2),
            "last": ("pooling_mode_lasttoken", 3)}


def pooling_files(pooling):
    modules = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    return {"modules": [{"idx": i, "name": str(i), "path": path,
                         "type": f"sentence_transformers.models.{kind}"}
                        for i, (kind, path) in enumerate(modules)],
            "1_Pooling/config": {"word_embedding_dimension": WIDTH, POOLINGS[pooling][0]: True}}


class Bert(Model):
    """An encoder."""

    ARCHITECTURE = "bert"
    LAYER = "encoder.layer"

    def __init__(self, dtype="F32", pooling="mean"):
        super().__init__("Tiny-BERT", tokenizer_files.bert(), dtype, **{
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
            "layer_norm_eps": 1e-12, "type_vocab_size": 2, "position_embedding_type": "absolute"})
        self.pooling = pooling
        for absent in ("rms_norm_eps", "rope_theta", "num_key_value_heads"):
            del self.config[absent]

    def rows(self):
        yield "embeddings.position_ids", "", (1, CONTEXT)
        yield "embeddings.word_embeddings.weight", "token_embd.weight", (self.vocabulary, WIDTH)
        yield "embeddings.position_embeddings.weight", "position_embd.weight", (CONTEXT, WIDTH)
        yield "embeddings.token_type_embeddings.weight", "token_types.weight", (2, WIDTH)
        yield from Phi2.with_biases([("embeddings.LayerNorm", "token_embd_norm", (WIDTH,))])
        yield from self.layers(Phi2.with_biases([
            ("attention.self.query", "attn_q", (WIDTH, WIDTH)),
            ("attention.self.key", "attn_k", (WIDTH, WIDTH)),
            ("attention.self.value", "attn_v", (WIDTH, WIDTH)),
            ("attention.output.dense", "attn_output", (WIDTH, WIDTH)),
            ("attention.output.LayerNorm", "attn_output_norm", (WIDTH,)),
            ("intermediate.dense", "ffn_up", (FEED_FORWARD, WIDTH)),
            ("output.dense", "ffn_down", (WIDTH, FEED_FORWARD)),
            ("output.LayerNorm", "layer_output_norm", (WIDTH,))]))
        yield "pooler.dense.weight", "", (WIDTH, WIDTH)
        yield "pooler.dense.bias", "", (WIDTH,)

    def tensors(self):
        positions = np.arange(CONTEXT, dtype=np.int64)[None]
        return {**super().tensors(), "embeddings.position_ids": ("I64", positions)}

    def more_files(self):
        return {**pooling_files(self.pooling),
                "sentence_bert_config": {"max_seq_length": 256, "do_lower_case": False}}

    def sampling_keys(self):
        return []

    def keys(self, prefix):
        return super().keys(prefix) + [boolean(prefix + "attention.causal", False),
                                       u32(prefix + "pooling_type", POOLINGS[self.pooling][1])]


class QwenEmbedding(Qwen):
    """A decoder whose last token's state is the text's vector."""

    def __init__(self):
        super().__init__("Tiny-Qwen3-Embedding", tokenizer_files.qwen2(adds_end=True), 3, "BF16",
                         head_dim=32)

    def more_files(self):
        return {**super().more_files(), **pooling_files("last")}

    def keys(self, prefix):
        return super().keys(prefix) + [u32(prefix + "pooling_type", POOLINGS["last"][1])]
