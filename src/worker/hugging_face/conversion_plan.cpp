#include "worker/hugging_face/conversion_plan.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/model_config.h"
#include "worker/hugging_face/tensor_names.h"
#include "worker/hugging_face/tokenizer_plan.h"
#include "worker/model_file/printable.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

namespace worker {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The directory's name; in a hub directory (models--ORG--NAME/snapshots/HASH) that of the model.
std::string name_of(const fs::path& path) {
    const fs::path directory = path.has_filename() ? path : path.parent_path();
    const fs::path snapshots = directory.parent_path();
    std::string name = directory.filename().native();
    if (snapshots.filename() == "snapshots") {
        name = snapshots.parent_path().filename().native();
        const std::size_t dashes = name.rfind("--");
        if (dashes != std::string::npos) name.erase(0, dashes + 2);
    }
    return printable(name);
}

std::string lower_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// libllama reads of a model's name whether special tokens take white space away (`Stripping`), so
// that the name has to say it, and must not say it of others.
std::string name_for(std::string name, Stripping stripping) {
    const std::string lower = lower_case(name);
    const auto mark = std::min(lower.find("phi-3"), lower.find("phi3"));
    if (stripping == Stripping::phi3) return mark == std::string::npos ? name + " (Phi-3)" : name;
    if (mark != std::string::npos) name.insert(mark + 3, " ");
    return mark == std::string::npos ? name : name_for(std::move(name), stripping);
}

// Source: transformers, `GenerationConfig`; llama.cpp, gguf-py constants.py, "general.sampling.*".
void add_sampling(const json::object& generation, std::vector<GgufEntry>& entries) {
    const std::pair<std::string_view, const char*> numbers[] = {
        {"temperature", "general.sampling.temp"},
        {"top_p", "general.sampling.top_p"},
        {"min_p", "general.sampling.min_p"},
        {"repetition_penalty", "general.sampling.penalty_repeat"}};
    for (const auto& [field, key] : numbers) {
        const json::value* value = generation.if_contains(field);
        const double* number = value ? value->if_double() : nullptr;
        const auto whole = integer_at(generation, field);
        if (number || whole)
            entries.push_back(
                {key, static_cast<float>(number ? *number : static_cast<double>(*whole))});
    }
    constexpr std::int64_t top_k_max = 1'000'000;
    const auto top_k = integer_at(generation, "top_k");
    if (top_k && *top_k > 0 && *top_k < top_k_max)
        entries.push_back({"general.sampling.top_k", static_cast<std::int32_t>(*top_k)});
}

// Of the tokenisers here, only BERT's can be told to.
Result<void> check_lower_case(const ModelDirectory& directory, const TokenizerPlan& tokenizer) {
    if (!directory.sentence_transformer || !directory.sentence_transformer->lower_case) return {};
    for (const GgufEntry& entry : tokenizer.entries)
        if (entry.key == lowercase_key && entry.value == GgufWritable(true)) return {};
    return fail(unsupported_model(directory.name_of("sentence_bert_config.json"),
                                  "do_lower_case is not supported for this tokeniser"));
}

}  // namespace

Result<ConversionPlan> plan_conversion(const ModelDirectory& directory) {
    auto config = read_model_config(directory);
    if (!config) return fail(config.error());
    // Before the tokens: that there are so many is known of a weight, and no mere claim.
    auto tensors = plan_tensors(directory, *config);
    if (!tensors) return fail(tensors.error());
    auto tokenizer = plan_tokenizer(directory, config->vocabulary);
    if (!tokenizer) return fail(tokenizer.error());
    if (auto checked = check_lower_case(directory, *tokenizer); !checked)
        return fail(checked.error());

    ConversionPlan plan;
    plan.tensors = std::move(*tensors);
    std::vector<GgufEntry>& entries = plan.entries;
    entries = {{"general.architecture", std::string(config->family->architecture)},
               {"general.type", std::string("model")},
               {"general.name", name_for(name_of(directory.path), tokenizer->stripping)},
               {"general.file_type", file_type_of(plan.tensors)}};
    add_sampling(directory.generation_config, entries);
    std::move(config->entries.begin(), config->entries.end(), std::back_inserter(entries));
    if (config->token_types > 0)
        entries.push_back({"tokenizer.ggml.token_type_count", config->token_types});
    std::move(tokenizer->entries.begin(), tokenizer->entries.end(), std::back_inserter(entries));
    std::move(config->computed.begin(), config->computed.end(), std::back_inserter(plan.tensors));
    return plan;
}

}  // namespace worker
