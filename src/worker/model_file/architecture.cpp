#include "worker/model_file/architecture.h"

#include <algorithm>
#include <array>

namespace worker {
namespace {

constexpr auto attention = ModelKind::attention;
constexpr auto recurrent = ModelKind::recurrent;
constexpr auto hybrid = ModelKind::hybrid;
constexpr auto encoder = ModelKind::encoder;
constexpr auto encoder_decoder = ModelKind::encoder_decoder;
constexpr auto vision = ModelKind::vision;
constexpr auto speech = ModelKind::speech;
constexpr auto draft = ModelKind::draft;
constexpr auto diffusion = ModelKind::diffusion;
constexpr unsigned none = Architecture::none;
constexpr unsigned equal_heads = Architecture::equal_heads;
constexpr unsigned full_rotation = Architecture::full_rotation;
constexpr unsigned needs_experts = Architecture::needs_experts;
constexpr unsigned headless_layers = Architecture::headless_layers;
constexpr unsigned whole_width = Architecture::whole_width;
constexpr unsigned rotary_encoder = equal_heads | full_rotation | whole_width;

// clang-format off
constexpr std::array architectures{
    Architecture{"clip",              vision,      none},
    Architecture{"llama",             attention,   equal_heads | full_rotation},
    Architecture{"llama4",            attention,   equal_heads | full_rotation},
    Architecture{"deci",              attention,   equal_heads | full_rotation | headless_layers},
    Architecture{"falcon",            attention,   equal_heads | full_rotation},
    Architecture{"grok",              attention,   equal_heads | full_rotation},
    Architecture{"gpt2",              attention,   equal_heads},
    Architecture{"gptneox",           attention,   equal_heads},
    Architecture{"mpt",               attention,   equal_heads},
    Architecture{"baichuan",          attention,   equal_heads | full_rotation},
    Architecture{"starcoder",         attention,   equal_heads},
    Architecture{"refact",            attention,   equal_heads},
    Architecture{"bert",              encoder,     equal_heads | whole_width},
    Architecture{"modern-bert",       encoder,     rotary_encoder},
    Architecture{"nomic-bert",        encoder,     rotary_encoder},
    Architecture{"nomic-bert-moe",    encoder,     rotary_encoder | needs_experts},
    Architecture{"neo-bert",          encoder,     rotary_encoder},
    Architecture{"jina-bert-v2",      encoder,     equal_heads | whole_width},
    Architecture{"jina-bert-v3",      encoder,     rotary_encoder},
    Architecture{"eurobert",          encoder,     rotary_encoder},
    Architecture{"bloom",             attention,   equal_heads},
    Architecture{"stablelm",          attention,   equal_heads},
    Architecture{"qwen",              attention,   equal_heads},
    Architecture{"qwen2",             attention,   equal_heads | full_rotation},
    Architecture{"qwen2moe",          attention,   equal_heads | full_rotation | needs_experts},
    Architecture{"qwen2vl",           attention,   equal_heads | full_rotation},
    Architecture{"qwen3",             attention,   equal_heads | full_rotation},
    Architecture{"qwen3moe",          attention,   equal_heads | full_rotation | needs_experts},
    Architecture{"qwen3next",         hybrid,      equal_heads | needs_experts},
    Architecture{"qwen3vl",           attention,   equal_heads | full_rotation},
    Architecture{"qwen3vlmoe",        attention,   equal_heads | full_rotation | needs_experts},
    Architecture{"qwen35",            hybrid,      equal_heads},
    Architecture{"qwen35moe",         hybrid,      equal_heads | needs_experts},
    Architecture{"qwen4exp",          hybrid,      equal_heads | needs_experts},
    Architecture{"phi2",              attention,   equal_heads},
    Architecture{"phi3",              attention,   equal_heads},
    Architecture{"phimoe",            attention,   equal_heads},
    Architecture{"plamo",             attention,   equal_heads | full_rotation},
    Architecture{"plamo2",            hybrid,      none},
    Architecture{"plamo3",            attention,   none},
    Architecture{"codeshell",         attention,   equal_heads | full_rotation},
    Architecture{"orion",             attention,   equal_heads | full_rotation},
    Architecture{"internlm2",         attention,   equal_heads | full_rotation},
    Architecture{"minicpm",           attention,   equal_heads | full_rotation},
    Architecture{"minicpm3",          attention,   none},
    Architecture{"gemma",             attention,   none},
    Architecture{"gemma2",            attention,   none},
    Architecture{"gemma3",            attention,   none},
    Architecture{"gemma3n",           attention,   none},
    Architecture{"gemma4",            attention,   equal_heads},
    Architecture{"gemma4-assistant",  draft,       none},
    Architecture{"gemma-embedding",   encoder,     equal_heads | full_rotation},
    Architecture{"starcoder2",        attention,   equal_heads | full_rotation},
    Architecture{"mamba",             recurrent,   none},
    Architecture{"mamba2",            recurrent,   none},
    Architecture{"maple",             attention,   equal_heads},
    Architecture{"jamba",             hybrid,      none},
    Architecture{"falcon-h1",         hybrid,      none},
    Architecture{"xverse",            attention,   equal_heads | full_rotation},
    Architecture{"command-r",         attention,   equal_heads},
    Architecture{"cohere2",           attention,   equal_heads},
    Architecture{"cohere2moe",        attention,   equal_heads | full_rotation},
    Architecture{"dbrx",              attention,   equal_heads | full_rotation},
    Architecture{"olmo",              attention,   equal_heads | full_rotation},
    Architecture{"olmo2",             attention,   equal_heads | full_rotation},
    Architecture{"olmoe",             attention,   equal_heads | full_rotation},
    Architecture{"muse-glimmer",      attention,   equal_heads},
    Architecture{"openelm",           attention,   equal_heads},
    Architecture{"arctic",            attention,   equal_heads | full_rotation},
    Architecture{"deepseek",          attention,   equal_heads | full_rotation},
    Architecture{"deepseek2",         attention,   none},
    Architecture{"deepseek2-ocr",     attention,   none},
    Architecture{"deepseek32",        attention,   none},
    Architecture{"deepseek4",         hybrid,      none},
    Architecture{"chatglm",           attention,   equal_heads},
    Architecture{"glm4",              attention,   equal_heads},
    Architecture{"glm4moe",           attention,   equal_heads | needs_experts},
    Architecture{"glm-dsa",           attention,   none},
    Architecture{"bitnet",            attention,   equal_heads},
    Architecture{"t5",                encoder_decoder,none},
    Architecture{"t5encoder",         encoder_decoder,none},
    Architecture{"jais",              attention,   equal_heads},
    Architecture{"jais2",             attention,   equal_heads | full_rotation},
    Architecture{"nemotron",          attention,   equal_heads},
    Architecture{"nemotron_h",        hybrid,      equal_heads},
    Architecture{"nemotron_h_moe",    hybrid,      equal_heads},
    Architecture{"exaone",            attention,   equal_heads | full_rotation},
    Architecture{"exaone4",           attention,   equal_heads | full_rotation},
    Architecture{"exaone-moe",        attention,   equal_heads | full_rotation},
    Architecture{"rwkv6",             recurrent,   none},
    Architecture{"rwkv6qwen2",        recurrent,   none},
    Architecture{"rwkv7",             recurrent,   none},
    Architecture{"arwkv7",            recurrent,   none},
    Architecture{"granite",           attention,   equal_heads | full_rotation},
    Architecture{"granitemoe",        attention,   equal_heads | full_rotation},
    Architecture{"granitehybrid",     hybrid,      equal_heads},
    Architecture{"graniteswitch",     attention,   equal_heads | full_rotation},
    Architecture{"granite_swa",       attention,   equal_heads | full_rotation},
    Architecture{"chameleon",         attention,   equal_heads | full_rotation},
    Architecture{"wavtokenizer-dec",  speech,      none},
    Architecture{"plm",               attention,   none},
    Architecture{"bailingmoe",        attention,   none},
    Architecture{"bailingmoe2",       attention,   equal_heads},
    Architecture{"bailingmoe3",       hybrid,      none},
    Architecture{"dots1",             attention,   equal_heads | full_rotation},
    Architecture{"dots3note",         attention,   none},
    Architecture{"arcee",             attention,   equal_heads | full_rotation},
    Architecture{"afmoe",             attention,   equal_heads},
    Architecture{"laguna",            attention,   equal_heads},
    Architecture{"ernie4_5",          attention,   equal_heads | full_rotation},
    Architecture{"ernie4_5-moe",      attention,   equal_heads | full_rotation},
    Architecture{"hunyuan-moe",       attention,   equal_heads | full_rotation},
    Architecture{"hunyuan-dense",     attention,   equal_heads | full_rotation},
    Architecture{"hunyuan_vl",        attention,   equal_heads | full_rotation},
    Architecture{"hy_v3",             attention,   equal_heads | full_rotation},
    Architecture{"hy_v4",             attention,   none},
    Architecture{"smollm3",           attention,   equal_heads | full_rotation},
    Architecture{"gpt-oss",           attention,   none},
    Architecture{"lfm2",              hybrid,      none},
    Architecture{"lfm2moe",           hybrid,      none},
    Architecture{"dream",             diffusion,   none},
    Architecture{"smallthinker",      attention,   equal_heads | full_rotation},
    Architecture{"llada",             diffusion,   none},
    Architecture{"llada-moe",         diffusion,   none},
    Architecture{"seed_oss",          attention,   equal_heads | full_rotation},
    Architecture{"grovemoe",          attention,   equal_heads | full_rotation | needs_experts},
    Architecture{"apertus",           attention,   equal_heads | full_rotation},
    Architecture{"minimax-01",        hybrid,      equal_heads},
    Architecture{"hrm_text",          attention,   none},
    Architecture{"minimax-m2",        attention,   equal_heads},
    Architecture{"minimax-m3",        attention,   equal_heads},
    Architecture{"cogvlm",            attention,   equal_heads | full_rotation},
    Architecture{"rnd1",              diffusion,   none},
    Architecture{"pangu-embedded",    attention,   equal_heads | full_rotation},
    Architecture{"mistral3",          attention,   equal_heads | full_rotation},
    Architecture{"eagle3",            draft,       none},
    Architecture{"dflash",            draft,       none},
    Architecture{"mistral4",          attention,   none},
    Architecture{"paddleocr",         attention,   equal_heads | full_rotation},
    Architecture{"mimo2",             attention,   none},
    Architecture{"step35",            attention,   none},
    Architecture{"spark2_5",          attention,   equal_heads},
    Architecture{"llama-embed",       encoder,     equal_heads | full_rotation},
    Architecture{"maincoder",         attention,   equal_heads | full_rotation},
    Architecture{"kimi-linear",       hybrid,      none},
    Architecture{"kimi-k3",           hybrid,      none},
    Architecture{"glm5-next",         hybrid,      none},
    Architecture{"talkie",            attention,   equal_heads | full_rotation},
    Architecture{"mellum",            attention,   equal_heads | full_rotation | needs_experts},
    Architecture{"nanbeige",          attention,   equal_heads},
    Architecture{"qwen3tts",          speech,      none},
    Architecture{"pockettts",         speech,      none},
};

constexpr std::int64_t width_max = (1 << 24) - 1;

constexpr std::array rules{
    // State sizes, all of which are divisors somewhere.
    KeyRule{"",               "ssm.conv_kernel",          1, width_max},
    KeyRule{"",               "ssm.inner_size",           1, width_max},
    KeyRule{"",               "ssm.state_size",           1, width_max},
    KeyRule{"",               "ssm.time_step_rank",       1, width_max},
    KeyRule{"",               "wkv.head_size",            1, width_max},
    KeyRule{"",               "shortconv.l_cache",        1, width_max},
    KeyRule{"",               "kda.head_dim",             1, width_max},
    KeyRule{"falcon-h1",      "ssm.group_count",          1, width_max},
    KeyRule{"granitehybrid",  "ssm.group_count",          1, width_max},
    KeyRule{"mamba2",         "ssm.group_count",          1, width_max},
    KeyRule{"nemotron_h",     "ssm.group_count",          1, width_max},
    KeyRule{"nemotron_h_moe", "ssm.group_count",          1, width_max},
    KeyRule{"qwen35",         "ssm.group_count",          1, width_max},
    KeyRule{"qwen35moe",      "ssm.group_count",          1, width_max},
    KeyRule{"qwen3next",      "ssm.group_count",          1, width_max},
    KeyRule{"qwen4exp",       "ssm.group_count",          1, width_max},
    // Asserted on while the model is loaded.
    KeyRule{"gemma4",         "attention.shared_kv_layers", 0, 510},
    KeyRule{"glm5-next",      "attention.indexer.kpool",  2, width_max},
    KeyRule{"glm5-next",      "hyper_connection.count",   4, 4},
    KeyRule{"grovemoe",       "experts_per_group",        1, width_max},
    KeyRule{"hrm_text",       "hrm.layers_per_stack",     1, 512},
    KeyRule{"hrm_text",       "hrm.h_cycles",             1, 512},
    KeyRule{"hrm_text",       "hrm.l_cycles",             1, 512},
    KeyRule{"hy_v4",          "attention.key_length_mla", 1, width_max},
    KeyRule{"hy_v4",          "attention.value_length_mla", 1, width_max},
    KeyRule{"minimax-m3",     "attention.indexer.block_size", 1, width_max},
    KeyRule{"nanbeige",       "num_loops",                1, 512},
};
// clang-format on

}  // namespace

const Architecture* find_architecture(std::string_view name) {
    const auto found = std::find_if(architectures.begin(), architectures.end(),
                                    [&](const auto& row) { return row.name == name; });
    return found == architectures.end() ? nullptr : &*found;
}

std::span<const KeyRule> key_rules() {
    return rules;
}

}  // namespace worker
