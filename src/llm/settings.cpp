#include "llm/settings.h"

#include "worker/app/flag_value.h"

namespace llm {

using worker::number;
using worker::sets;
using namespace std::chrono_literals;

namespace {

worker::FlagGroup engine_flags(TextSettings& settings) {
    return {
        "Engine",
        {
            {.name = "engine",
             .value_word = "NAME",
             .help = "What computes: llama (libllama, any backend), cpu (the native CPU "
                     "engine), or auto for the better of the two.",
             .setting = sets(settings.engine, worker::one_of({"auto", "llama", "cpu"}))},
            {.name = "cpu-isa",
             .value_word = "NAME",
             .help = "Instruction set of the native CPU engine: auto, portable, avx2 or avx512.",
             .setting =
                 sets(settings.cpu_isa, worker::one_of({"auto", "portable", "avx2", "avx512"}))},
            {.name = "profile",
             .help = "Says in the log where the native CPU engine's time goes, while it works.",
             .setting = sets(settings.profile, worker::yes_or_no())},
            {.name = "kv-tokens",
             .value_word = "TOKENS",
             .help = "KV cells, shared by all sequences; at least --context-size.",
             .default_text = "what fits in half of the free memory, on a device in all of it",
             .setting =
                 sets(settings.kv_tokens, number<std::uint64_t>({.min = 1, .max = 1u << 31}))},
            {.name = "kv-type",
             .value_word = "TYPE",
             .help = "Number format of the KV cells: f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, "
                     "q5_0 or q5_1.",
             .setting = sets(settings.kv_type, worker::one_of({"f32", "f16", "bf16", "q8_0", "q4_0",
                                                               "q4_1", "iq4_nl", "q5_0", "q5_1"}))},
            {.name = "cache-ram",
             .value_word = "SIZE",
             .help = "Host memory for texts that are computed and may come again; 0 keeps none.",
             .default_text = "a quarter of what is free, at most 8GiB",
             .setting = sets(settings.cache_bytes,
                             worker::byte_size({.min = 0, .max = std::uint64_t{1} << 50}))},
        }};
}

worker::FlagGroup reply_flags(TextSettings& settings) {
    return {"Text",
            {
                {.name = "max-prompt-chars",
                 .value_word = "N",
                 .help = "Characters of a prompt on the native route; 0 is as many as the context "
                         "holds.",
                 .setting = sets(settings.prompt_chars_max,
                                 number<std::uint32_t>({.min = 0, .max = 1u << 30}))},
                {.name = "max-output-tokens",
                 .value_word = "N",
                 .help = "The largest max_tokens on the native route; 0 is as many as the context "
                         "holds.",
                 .setting = sets(settings.output_tokens_max,
                                 number<std::uint32_t>({.min = 0, .max = 1u << 30}))},
                {.name = "stop-max",
                 .value_word = "N",
                 .help = "Stop strings that an OpenAI request may have.",
                 .setting =
                     sets(settings.stop_strings_max, number<std::uint32_t>({.min = 1, .max = 16}))},
                {.name = "max-gap",
                 .value_word = "TIME",
                 .help = "The longest pause that a new prompt may put into a running stream.",
                 .setting = sets(settings.gap_max, worker::duration({.min = 1ms, .max = 10s}))},
                {.name = "chat-template",
                 .value_word = "T",
                 .help = "The chat template: a file or a name.",
                 .default_text = "the model's",
                 .setting = sets(settings.chat_template, worker::plain_text())},
                {.name = "any-model",
                 .help = "OpenAI routes answer whatever model a request names.",
                 .setting = sets(settings.any_model, worker::yes_or_no())},
                {.name = "use-model-defaults",
                 .help = "Sampling values that a request leaves out are those that the model "
                         "recommends, in place of OpenAI's.",
                 .setting = sets(settings.use_model_defaults, worker::yes_or_no())},
            }};
}

}  // namespace

std::vector<worker::FlagGroup> text_flags(TextSettings& settings) {
    return {reply_flags(settings), engine_flags(settings)};
}

worker::Result<void> check_settings(const AllSettings& settings,
                                    const worker::SourceOf& source_of) {
    const auto& cells = settings.text.kv_tokens;
    const auto& context = settings.worker.context_size;
    if (!cells || !context || *cells >= *context) return {};
    return worker::fail(
        worker::ErrorCode::config_invalid,
        source_of("kv-tokens") + " must be at least as large as " + source_of("context-size"));
}

}  // namespace llm
