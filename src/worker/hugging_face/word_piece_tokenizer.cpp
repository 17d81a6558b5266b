#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/tokenizer_models.h"
#include "worker/hugging_face/tokenizer_plan.h"

namespace worker {
namespace {

namespace json = boost::json;

constexpr std::string_view inside = "##";   // before a piece that goes on
constexpr std::string_view at_begin = "▁";  // before one that begins a word, in GGUF

// What libllama does to a text whatever the file says.
bool is_as_built_in(const json::object* normalizer, const json::object* pre_tokenizer) {
    return normalizer && pre_tokenizer && text_at(*normalizer, "type") == "BertNormalizer" &&
           flag_at(*normalizer, "clean_text") && flag_at(*normalizer, "handle_chinese_chars") &&
           text_at(*pre_tokenizer, "type") == "BertPreTokenizer";
}

}  // namespace

Result<std::vector<GgufEntry>> plan_word_piece(const TokenizerFile& file, TokenTable& table) {
    const json::object* normalizer = object_at(file.content, "normalizer");
    if (!is_as_built_in(normalizer, object_at(file.content, "pre_tokenizer"))) {
        return fail(
            unsupported_model(file.name,
                              "a WordPiece tokeniser with another normaliser or pre-tokeniser than "
                              "BERT's own is not supported"));
    }
    if (text_at(file.model, "continuing_subword_prefix").value_or(inside) != inside)
        return fail(unsupported_model(file.name,
                                      "pieces inside of words that do not begin with ## "
                                      "are not supported"));
    for (VocabularyToken& token : table.tokens()) {
        if (token.type != TokenType::normal) continue;
        if (token.text.starts_with(inside))
            token.text.erase(0, inside.size());
        else
            token.text.insert(0, at_begin);
    }
    const bool lowercase = flag_at(*normalizer, "lowercase", true);
    return std::vector<GgufEntry>{
        {"tokenizer.ggml.model", std::string("bert")},
        {"tokenizer.ggml.pre", std::string("default")},
        {std::string(lowercase_key), lowercase},
        {"tokenizer.ggml.normalizer.strip_accents",
         flag_at(*normalizer, "strip_accents", lowercase)},
    };
}

}  // namespace worker
