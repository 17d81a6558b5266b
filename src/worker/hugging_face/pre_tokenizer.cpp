#include "worker/hugging_face/pre_tokenizer.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace worker {
namespace {

namespace json = boost::json;

constexpr std::string_view digits = "digits";  // each by itself
constexpr std::string_view words = "words";    // by GPT-2's pattern
constexpr std::size_t steps_max = 6;

// What a text goes through before it is bytes: patterns that cut it, one after the other.
struct PreTokenizer {
    std::string_view name;
    bool ignores_merges;  // whole words are looked up first
    std::array<std::string_view, steps_max> steps;
};

// Those whose patterns libllama has as they are here, or in another spelling of the same.
// Source: llama.cpp, llama-vocab.cpp: `llm_tokenizer_bpe` for the patterns, and
// `llama_vocab::impl::load` for the names and for whether merges are ignored.
constexpr std::array pre_tokenizers{
    PreTokenizer{"gpt-2", false, {words}},
    PreTokenizer{"smollm", false, {digits, words}},
    PreTokenizer{"llama-bpe",
                 true,
                 {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
                  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"dbrx",
                 false,
                 {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
                  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"qwen2",
                 false,
                 {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"seed-coder",
                 false,
                 {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1})"
                  R"(| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"tekken",
                 true,
                 {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*)"
                  R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                  R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)"
                  R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                  R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"gpt-4o",
                 false,
                 {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*)"
                  R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
                  R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)"
                  R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
                  R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"deepseek-v3",
                 false,
                 {R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
                  R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"
                  R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)"
                  R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
    PreTokenizer{"deepseek-coder",
                 false,
                 {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-퟿]+", digits}},
};

// Line ends in a pattern are written in two ways.
std::string with_escapes(std::string_view pattern) {
    std::string escaped;
    for (const char c : pattern) {
        if (c == '\r')
            escaped += "\\r";
        else if (c == '\n')
            escaped += "\\n";
        else
            escaped += c;
    }
    return escaped;
}

// The pattern of a step that keeps all of a text; nothing where it does something else.
std::optional<std::string> split_pattern(const json::object& step) {
    const json::object* pattern = object_at(step, "pattern");
    const auto text = pattern ? text_at(*pattern, "Regex") : std::nullopt;
    const std::string_view behavior = text_at(step, "behavior").value_or("");
    const bool inverted = flag_at(step, "invert");
    const bool keeps_all =
        (behavior == "Isolated" && !inverted) || (behavior == "Removed" && inverted);
    return text && keeps_all ? std::optional(with_escapes(*text)) : std::nullopt;
}

// A step in the words of the table, or in words that are not in it.
std::string describe(const json::object& step) {
    const std::string_view type = text_at(step, "type").value_or("of no type");
    const auto pattern = type == "Split" ? split_pattern(step) : std::nullopt;
    if (pattern && *pattern != digits && *pattern != words) return *pattern;
    if (type == "Digits" && flag_at(step, "individual_digits")) return std::string(digits);
    return fmt::format("<{}>", type);
}

// Source: tokenizers, pre_tokenizers/*.rs.
std::vector<std::string> describe_all(const json::value* pre_tokenizer) {
    std::vector<const json::value*> steps;
    const json::object* whole = pre_tokenizer ? pre_tokenizer->if_object() : nullptr;
    const json::array* list = whole ? array_at(*whole, "pretokenizers") : nullptr;
    if (list)
        for (const json::value& step : *list) steps.push_back(&step);
    else if (whole)
        steps.push_back(pre_tokenizer);

    std::vector<std::string> described;
    bool becomes_bytes = false;
    for (const json::value* value : steps) {
        const json::object* step = value->if_object();
        if (becomes_bytes || described.size() > steps_max || !step)
            return {"<something else>"};  // Bytes come last.
        becomes_bytes = text_at(*step, "type") == "ByteLevel";
        if (!becomes_bytes)
            described.push_back(describe(*step));
        else if (flag_at(*step, "add_prefix_space", true))
            described.emplace_back("<a space before all>");
        else if (flag_at(*step, "use_regex", true))
            described.emplace_back(words);
    }
    if (!becomes_bytes) described.emplace_back("<no bytes>");
    return described;
}

bool is_described(const PreTokenizer& row, const std::vector<std::string>& steps) {
    const auto end = std::find(row.steps.begin(), row.steps.end(), "");
    return std::equal(row.steps.begin(), end, steps.begin(), steps.end());
}

}  // namespace

Result<std::string> name_pre_tokenizer(const std::string& file, const json::object& tokenizer) {
    const std::vector<std::string> steps = describe_all(tokenizer.if_contains("pre_tokenizer"));
    const json::object* model = object_at(tokenizer, "model");
    const bool ignores_merges = model && flag_at(*model, "ignore_merges");
    for (const PreTokenizer& row : pre_tokenizers)
        if (row.ignores_merges == ignores_merges && is_described(row, steps))
            return std::string(row.name);
    constexpr std::size_t shown_max = 400;
    const std::string shown = printable(fmt::format("{}", fmt::join(steps, ", then ")), shown_max);
    return fail(
        unsupported_model(file, fmt::format("the pre-tokeniser ({}{}) is not supported", shown,
                                            ignores_merges ? ", ignoring merges" : "")));
}

}  // namespace worker
