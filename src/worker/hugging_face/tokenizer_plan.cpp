#include "worker/hugging_face/tokenizer_plan.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/special_tokens.h"
#include "worker/hugging_face/tokenizer_models.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

using Planner = Result<std::vector<GgufEntry>> (*)(const TokenizerFile&, TokenTable&);

// Null where there is none. Files of older versions say no type.
Planner planner_for(const json::object& model) {
    const bool merges = model.contains("merges");
    const std::string_view type = text_at(model, "type").value_or(merges ? "BPE" : "WordPiece");
    if (type == "WordPiece") return plan_word_piece;
    if (type != "BPE") return nullptr;
    return flag_at(model, "byte_fallback") ? plan_sentence_piece : plan_byte_level;
}

// What libllama's merges know nothing of.
std::string_view unknown_option(const json::object& model) {
    for (const std::string_view option : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (model.contains("merges") && !text_at(model, option).value_or("").empty()) return option;
    return {};
}

// As libllama does for BERT whatever the file says.
bool adds_both(const std::vector<GgufEntry>& special) {
    const auto is_added = [](const GgufEntry& entry) {
        return entry.key.starts_with("tokenizer.ggml.add_") && entry.value == GgufWritable(true);
    };
    return std::count_if(special.begin(), special.end(), is_added) == 2;
}

// libllama ends the process on a token that is there twice.
Result<void> check_distinct(const std::string& file, const std::vector<VocabularyToken>& tokens) {
    std::unordered_set<std::string_view> seen;
    seen.reserve(tokens.size());
    for (const VocabularyToken& token : tokens) {
        if (seen.insert(token.text).second) continue;
        return fail(corrupt_file(file, fmt::format("the token \"{}\" is twice in the vocabulary",
                                                   printable(token.text))));
    }
    return {};
}

void add_tokens(const std::vector<VocabularyToken>& tokens, std::vector<GgufEntry>& entries) {
    std::vector<std::string> texts;
    std::vector<std::int32_t> types;
    texts.reserve(tokens.size());
    types.reserve(tokens.size());
    for (const VocabularyToken& token : tokens) {
        texts.push_back(token.text);
        types.push_back(static_cast<std::int32_t>(token.type));
    }
    entries.push_back({"tokenizer.ggml.tokens", std::move(texts)});
    entries.push_back({"tokenizer.ggml.token_type", std::move(types)});
}

}  // namespace

Result<TokenizerPlan> plan_tokenizer(const ModelDirectory& directory, std::uint32_t size) {
    const std::string name = directory.name_of("tokenizer.json");
    const json::object* model = object_at(directory.tokenizer, "model");
    if (!model) return fail(corrupt_file(name, "has no model"));
    const Planner plan = planner_for(*model);
    if (!plan) {
        const auto type = text_at(*model, "type").value_or("");
        return fail(unsupported_model(
            name, fmt::format("the tokeniser {} is not supported", printable(type))));
    }
    if (const auto option = unknown_option(*model); !option.empty())
        return fail(unsupported_model(name, fmt::format("{} is not supported", option)));
    auto table = TokenTable::read(directory, size);
    if (!table) return fail(table.error());
    auto special = special_token_entries(directory, *table);
    if (!special) return fail(special.error());
    if (plan == plan_word_piece && !adds_both(*special)) {
        return fail(unsupported_model(name,
                                      "a WordPiece tokeniser is supported only where it puts "
                                      "every text between [CLS] and [SEP]"));
    }
    auto entries = plan({name, directory.tokenizer, *model}, *table);
    if (!entries) return fail(entries.error());
    if (auto checked = check_distinct(name, table->tokens()); !checked)
        return fail(checked.error());
    add_tokens(table->tokens(), *entries);
    std::move(special->begin(), special->end(), std::back_inserter(*entries));
    return TokenizerPlan{std::move(*entries), table->stripping()};
}

}  // namespace worker
