"""Small models of random weights, each written twice from the same tensors: as a directory, as
Hugging Face ships models, and as a GGUF file with what llama.cpp expects of the architecture.

A model here names each tensor twice. Source: transformers, models/*/modeling_*.py; llama.cpp,
src/models/*.cpp and gguf-py/gguf/constants.py."""

import hashlib
import json
import math

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np

import gguf_file
import tokenizer_files
from gguf_file import TENSOR_BF16, TENSOR_F16, TENSOR_F32, f32, string, u32
from safetensors_file import as_floats, as_stored, safetensors

WIDTH, LAYERS, HEADS, HEADS_KV, FEED_FORWARD, CONTEXT = 64, 2, 4, 2, 128, 512
HEAD = WIDTH // HEADS

# In a directory → in its config.json, in a GGUF file, as general.file_type there.
TYPES = {"F32": ("float32", TENSOR_F32, 0), "F16": ("float16", TENSOR_F16, 1),
         "BF16": ("bfloat16", TENSOR_BF16, 32)}


class Model:
    """`rows`: (name in the directory, name in the GGUF file, shape) of each tensor, the slowest
    dimension first; no second name where the GGUF file has no such tensor."""

    ARCHITECTURE = ""  # in the GGUF file

    def __init__(self, name, tokenizer, dtype="F32", **config):
        self.name = name
        self.tokenizer = tokenizer
        self.dtype = dtype
        self.vocabulary = len(tokenizer.tokens)
        self.config = {
            "hidden_size": WIDTH, "intermediate_size": FEED_FORWARD, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": HEADS_KV,
            "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "vocab_size": self.vocabulary, "tie_word_embeddings": False, "hidden_act": "silu",
            "torch_dtype": TYPES[dtype][0], "_name_or_path": name, **config}

    def layers(self, rows):
        """Rows of a layer, for each of them."""
        for i in range(LAYERS):
            for theirs, ours, shape in rows:
                yield f"{self.LAYER}.{i}.{theirs}", f"blk.{i}.{ours}", shape

    def values(self, name, shape):
        """Always the same for a model and a tensor."""
        digest = hashlib.sha256(f"{self.name}/{name}".encode()).digest()
        chance = np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
        drawn = chance.standard_normal(shape, dtype=np.float32)
        if "norm" in name.lower() and name.endswith("weight"):
            return 1 + 0.2 * drawn
        if len(shape) == 1:
            return 0.2 * drawn
        if "embed" in name:
            return drawn * (0.35 if self.config["tie_word_embeddings"] else 1)
        return drawn * (0.35 if "lm_head" in name else 1.5 / math.sqrt(shape[-1]))

    def tensors(self):
        """name in the directory → (type, array of what is stored)"""
        return {theirs: (self.dtype, as_stored(self.values(theirs, shape), self.dtype))
                for theirs, _, shape in self.rows()}

    def floats(self):
        """name in the directory → its values, as both forms have them"""
        return {name: as_floats(stored, dtype) for name, (dtype, stored) in self.tensors().items()}

    def write_directory(self, folder, shards=1):
        folder.mkdir()
        tokenizer_config = self.tokenizer.config()
        if self.tokenizer.chat_template and shards > 1:  # as newer directories have it
            (folder / "chat_template.jinja").write_text(self.tokenizer.chat_template)
        elif self.tokenizer.chat_template:
            tokenizer_config["chat_template"] = self.tokenizer.chat_template
        for name, content in (("config", {**self.config, **self.token_ids()}),
                              ("tokenizer", self.tokenizer.json()),
                              ("tokenizer_config", tokenizer_config),
                              *self.more_files().items()):
            path = folder / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False))
        self.write_tensors(folder, shards)
        return folder

    def write_tensors(self, folder, shards):
        tensors = self.tensors()
        if shards == 1:
            (folder / "model.safetensors").write_bytes(safetensors(tensors))
            return
        places = {}
        for shard in range(shards):
            file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
            part = {name: tensors[name] for name in list(tensors)[shard::shards]}
            (folder / file).write_bytes(safetensors(part))
            places.update({name: file for name in part})
        size = sum(stored.nbytes for _, stored in tensors.values())
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": size}, "weight_map": places}))

    def token_ids(self):
        return {f"{role}_token_id": self.tokenizer.role_id(role)
                for role in self.tokenizer.roles if role in ("bos", "eos", "pad")}

    def more_files(self):
        return {"generation_config": {"do_sample": True, "temperature": 0.6, "top_p": 0.9,
                                      **self.token_ids()}}

    # The GGUF file.

    def write_gguf(self, path):
        keys = [string("general.architecture", self.ARCHITECTURE),
                string("general.name", self.name),
                u32("general.file_type", TYPES[self.dtype][2]), *self.sampling_keys(),
                *self.keys(self.ARCHITECTURE + "."), *self.tokenizer.keys()]
        stored = self.tensors()
        tensors = []
        for theirs, ours, _ in self.rows():
            if ours:
                tensors.append(self.gguf_tensor(ours, *stored[theirs]))
        for name, values in self.factors().items():
            tensors.append(self.gguf_tensor(name, "F32", np.array(values, dtype=np.float32)))
        path.write_bytes(gguf_file.build(keys, tensors)[0])
        return path

    def sampling_keys(self):
        return [f32("general.sampling.temp", 0.6), f32("general.sampling.top_p", 0.9)]

    def keys(self, prefix):
        config = self.config
        keys = [u32(prefix + "context_length", config["max_position_embeddings"]),
                u32(prefix + "embedding_length", config["hidden_size"]),
                u32(prefix + "block_count", config["num_hidden_layers"]),
                u32(prefix + "feed_forward_length", config["intermediate_size"]),
                u32(prefix + "attention.head_count", config["num_attention_heads"])]
        if "num_key_value_heads" in config:
            keys.append(u32(prefix + "attention.head_count_kv", config["num_key_value_heads"]))
        if self.head() != HEAD:
            keys += [u32(prefix + "attention.key_length", self.head()),
                     u32(prefix + "attention.value_length", self.head())]
        keys += self.rope_keys(prefix + "rope.")
        if "rms_norm_eps" in config:
            keys.append(f32(prefix + "attention.layer_norm_rms_epsilon", config["rms_norm_eps"]))
        if "layer_norm_eps" in config:
            keys.append(f32(prefix + "attention.layer_norm_epsilon", config["layer_norm_eps"]))
        return keys

    def rope_keys(self, prefix):
        rope = self.rope()
        if rope is None:
            return []
        keys = [f32(prefix + "freq_base", rope["rope_theta"]),
                u32(prefix + "dimension_count", self.rotated())]
        if rope.get("rope_type") in ("linear", "yarn"):
            keys += [string(prefix + "scaling.type", rope["rope_type"]),
                     f32(prefix + "scaling.factor", rope["factor"])]
        if rope.get("rope_type") == "yarn":
            keys.append(u32(prefix + "scaling.original_context_length",
                            rope["original_max_position_embeddings"]))
        return keys

    def rope(self):
        """What config.json says of rotary positions, as newer files say it; None without them."""
        scaling = self.config.get("rope_scaling") or {}
        if "rope_theta" in self.config:
            return {"rope_theta": self.config["rope_theta"], "rope_type": scaling.get("type"),
                    **scaling}
        return self.config.get("rope_parameters")

    def head(self):
        return self.config.get("head_dim", HEAD)

    def rotated(self):
        return self.head()

    def factors(self):
        """Tensors of the GGUF file that come from config.json."""
        return {}

    def gguf_tensor(self, name, dtype, stored):
        if len(stored.shape) == 1 or name.startswith(("position", "token_types")):
            dtype, stored = "F32", as_floats(stored, dtype)
        return name, stored.shape[::-1], TYPES[dtype][1], stored.tobytes()


class Llama(Model):
    ARCHITECTURE = "llama"
    LAYER = "model.layers"

    def __init__(self, name, tokenizer, dtype="F32", **config):
        super().__init__(name, tokenizer, dtype, **{
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False,
            "mlp_bias": False, **config})

    def rows(self):
        yield "model.embed_tokens.weight", "token_embd.weight", (self.vocabulary, WIDTH)
        yield "model.norm.weight", "output_norm.weight", (WIDTH,)
        if not self.config["tie_word_embeddings"]:
            yield "lm_head.weight", "output.weight", (self.vocabulary, WIDTH)
        yield from self.layers([
            ("input_layernorm.weight", "attn_norm.weight", (WIDTH,)),
            ("post_attention_layernorm.weight", "ffn_norm.weight", (WIDTH,)),
            *self.attention(), *self.feed_forward()])

    def attention(self):
        heads, heads_kv = (self.config[f"num_{kind}_heads"] * self.head()
                           for kind in ("attention", "key_value"))
        return [("self_attn.q_proj.weight", "attn_q.weight", (heads, WIDTH)),
                ("self_attn.k_proj.weight", "attn_k.weight", (heads_kv, WIDTH)),
                ("self_attn.v_proj.weight", "attn_v.weight", (heads_kv, WIDTH)),
                ("self_attn.o_proj.weight", "attn_output.weight", (WIDTH, heads))]

    def feed_forward(self):
        return [("mlp.gate_proj.weight", "ffn_gate.weight", (FEED_FORWARD, WIDTH)),
                ("mlp.up_proj.weight", "ffn_up.weight", (FEED_FORWARD, WIDTH)),
                ("mlp.down_proj.weight", "ffn_down.weight", (WIDTH, FEED_FORWARD))]

    def gguf_tensor(self, name, dtype, stored):
        # The two of a rotated pair stand half a head apart in a directory, and side by side here.
        if "attn_q" in name or "attn_k" in name:
            order = np.arange(self.head()).reshape(2, -1).T.ravel()
            stored = stored.reshape(-1, self.head(), WIDTH)[:, order].reshape(stored.shape)
        return super().gguf_tensor(name, dtype, stored)

    def keys(self, prefix):
        return super().keys(prefix) + [u32(prefix + "vocab_size", self.vocabulary)]

    def factors(self):
        rope = self.rope()
        if rope["rope_type"] != "llama3":
            return {}
        factors = []
        for pair in range(self.head() // 2):
            turns = (rope["original_max_position_embeddings"] / (2 * math.pi) *
                     rope["rope_theta"] ** (-2 * pair / self.head()))
            low, high = rope["low_freq_factor"], rope["high_freq_factor"]
            kept = min(1, max(0, (turns - low) / (high - low)))
            factors.append(1 / (kept + (1 - kept) / rope["factor"]))
        return {"rope_freqs.weight": factors}


class Qwen(Llama):
    """Qwen 2, whose projections have biases, and Qwen 3, whose queries and keys have norms."""

    def __init__(self, name, tokenizer, version, dtype="F32", **config):
        self.version = version
        self.ARCHITECTURE = f"qwen{version}"
        super().__init__(name, tokenizer, dtype, **{
            "architectures": [f"Qwen{version}ForCausalLM"], "model_type": self.ARCHITECTURE,
            "tie_word_embeddings": True, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
            "use_sliding_window": False, "sliding_window": 64, "max_window_layers": LAYERS,
            **config})
        if "rope_parameters" in config:
            del self.config["rope_theta"]

    def attention(self):
        weights = super().attention()
        if self.version == 3:
            return weights + [("self_attn.q_norm.weight", "attn_q_norm.weight", (self.head(),)),
                              ("self_attn.k_norm.weight", "attn_k_norm.weight", (self.head(),))]
        return weights + [(theirs.replace("weight", "bias"), ours.replace("weight", "bias"),
                           shape[:1]) for theirs, ours, shape in weights[:3]]

    def gguf_tensor(self, name, dtype, stored):
        return Model.gguf_tensor(self, name, dtype, stored)

    def keys(self, prefix):
        return Model.keys(self, prefix)


class Phi3(Model):
    """Its projections are fused in both forms."""

    ARCHITECTURE = "phi3"
    LAYER = "model.layers"

    def __init__(self, name, tokenizer, dtype="F32", **config):
        super().__init__(name, tokenizer, dtype, **{
            "architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "rope_scaling": None,
            "original_max_position_embeddings": CONTEXT, **config})

    def rows(self):
        fused = (HEADS + 2 * HEADS_KV) * HEAD
        yield "model.embed_tokens.weight", "token_embd.weight", (self.vocabulary, WIDTH)
        yield "model.norm.weight", "output_norm.weight", (WIDTH,)
        yield "lm_head.weight", "output.weight", (self.vocabulary, WIDTH)
        yield from self.layers([
            ("input_layernorm.weight", "attn_norm.weight", (WIDTH,)),
            ("self_attn.qkv_proj.weight", "attn_qkv.weight", (fused, WIDTH)),
            ("self_attn.o_proj.weight", "attn_output.weight", (WIDTH, WIDTH)),
            ("post_attention_layernorm.weight", "ffn_norm.weight", (WIDTH,)),
            ("mlp.gate_up_proj.weight", "ffn_up.weight", (2 * FEED_FORWARD, WIDTH)),
            ("mlp.down_proj.weight", "ffn_down.weight", (WIDTH, FEED_FORWARD))])

    def keys(self, prefix):
        original = self.config["original_max_position_embeddings"]
        keys = super().keys(prefix) + [u32(prefix + "rope.scaling.original_context_length",
                                           original)]
        if self.config.get("sliding_window"):
            keys.append(u32(prefix + "attention.sliding_window", self.config["sliding_window"]))
        if self.rope()["rope_type"] == "longrope":
            longer = math.log(CONTEXT / original) / math.log(original)
            keys += [string(prefix + "rope.scaling.type", "longrope"),
                     f32(prefix + "rope.scaling.attn_factor", math.sqrt(1 + longer))]
        return keys

    def factors(self):
        rope = self.rope()
        return {f"rope_factors_{length}.weight": rope[f"{length}_factor"]
                for length in ("long", "short") if rope["rope_type"] == "longrope"}


class Phi2(Model):
    ARCHITECTURE = "phi2"
    LAYER = "model.layers"

    def __init__(self, name, tokenizer, dtype="F32", **config):
        super().__init__(name, tokenizer, dtype, **{
            "architectures": ["PhiForCausalLM"], "model_type": "phi", "hidden_act": "gelu_new",
            "partial_rotary_factor": 0.5, "num_key_value_heads": HEADS, "layer_norm_eps": 1e-5,
            "intermediate_size": 4 * WIDTH, "qk_layernorm": False, "rope_scaling": None,
            **config})
        del self.config["rms_norm_eps"]

    def rows(self):
        yield "model.embed_tokens.weight", "token_embd.weight", (self.vocabulary, WIDTH)
        wide = 4 * WIDTH
        yield from self.with_biases([
            ("model.final_layernorm", "output_norm", (WIDTH,)),
            ("lm_head", "output", (self.vocabulary, WIDTH))])
        yield from self.layers(self.with_biases([
            ("input_layernorm", "attn_norm", (WIDTH,)),
            ("self_attn.q_proj", "attn_q", (WIDTH, WIDTH)),
            ("self_attn.k_proj", "attn_k", (WIDTH, WIDTH)),
            ("self_attn.v_proj", "attn_v", (WIDTH, WIDTH)),
            ("self_attn.dense", "attn_output", (WIDTH, WIDTH)),
            ("mlp.fc1", "ffn_up", (wide, WIDTH)), ("mlp.fc2", "ffn_down", (WIDTH, wide))]))

    @staticmethod
    def with_biases(rows):
        return [(f"{theirs}.{part}", f"{ours}.{part}", shape if part == "weight" else shape[:1])
                for theirs, ours, shape in rows for part in ("weight", "bias")]

    def rotated(self):
        return int(self.config["partial_rotary_factor"] * self.head())


def padded(tokenizer, count):
    tokenizer.pad(count)
    return tokenizer


LONGROPE = {"type": "longrope", "long_factor": [1.0, 1.2, 1.5, 2.0, 2.6, 3.1, 3.6, 4.0],
            "short_factor": [1.0, 1.0, 1.05, 1.1, 1.1, 1.15, 1.2, 1.3]}
LLAMA3_SCALING = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                  "high_freq_factor": 4.0, "original_max_position_embeddings": 256}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
        "original_max_position_embeddings": 128}

# What generates text: name → (a function that makes the model, number of shards)
GENERATORS = {
    "llama": (lambda: Llama("Tiny-Llama-3", tokenizer_files.llama3(), "BF16",
                            rope_theta=500000.0), 1),
    "llama_scaled": (lambda: Llama("Tiny-Llama-3.2", tokenizer_files.llama3(), "F32",
                                   rope_theta=500000.0, rope_scaling=LLAMA3_SCALING,
                                   tie_word_embeddings=True, head_dim=32), 1),
    "llama_linear": (lambda: Llama("Tiny-LongChat", tokenizer_files.mistral(), "F16",
                                   rope_scaling={"type": "linear", "factor": 4.0}), 1),
    "mistral": (lambda: Llama("Tiny-Mistral", tokenizer_files.mistral(), "F16",
                              architectures=["MistralForCausalLM"], model_type="mistral",
                              sliding_window=None), 3),
    "phi2": (lambda: Phi2("Tiny-Phi-2", tokenizer_files.phi2(), "F16"), 1),
    "phi3": (lambda: Phi3("Tiny-Phi-3", tokenizer_files.phi3(), "BF16", sliding_window=48), 1),
    "phi3_long": (lambda: Phi3("Tiny-Phi-3-128k", tokenizer_files.phi3(), "F32",
                               rope_scaling=LONGROPE, original_max_position_embeddings=256,
                               sliding_window=None), 2),
    "qwen2": (lambda: Qwen("Tiny-Qwen2", padded(tokenizer_files.qwen2(), 13), 2, "BF16"), 1),
    "qwen2_yarn": (lambda: Qwen("Tiny-Qwen2-YaRN", tokenizer_files.qwen2(), 2, "F32",
                                rope_parameters=YARN), 1),
    "qwen3": (lambda: Qwen("Tiny-Qwen3", tokenizer_files.qwen2(), 3, "F32", head_dim=32), 1),
}
