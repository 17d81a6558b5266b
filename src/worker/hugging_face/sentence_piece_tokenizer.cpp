#include "worker/base/utf8.h"
#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/merges.h"
#include "worker/hugging_face/tokenizer_models.h"
#include "worker/model_file/printable.h"
#include "worker/model_file/vocabulary_check.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

constexpr std::string_view space = "▁";

// Where a text that does not begin with a space gets one.
enum class SpaceBefore : std::uint8_t {
    nothing,
    every_part,  // between special tokens
    the_text,    // as a whole
};

bool is_replacing_spaces(const json::object& step) {
    const json::object* pattern = object_at(step, "pattern");
    return text_at(step, "type") == "Replace" && pattern && text_at(*pattern, "String") == " " &&
           text_at(step, "content") == space;
}

bool is_prepending_space(const json::object& step) {
    return text_at(step, "type") == "Prepend" && text_at(step, "prepend") == space;
}

// Source: transformers, `LlamaConverter.normalizer` in convert_slow_tokenizer.py.
std::optional<SpaceBefore> space_of_normalizer(const json::object& normalizer) {
    if (is_replacing_spaces(normalizer)) return SpaceBefore::nothing;
    const json::array* parts = array_at(normalizer, "normalizers");
    if (!parts || parts->empty() || parts->size() > 2) return std::nullopt;
    const json::object* first = parts->front().if_object();
    const json::object* last = parts->back().if_object();
    if (!first || !last || !is_replacing_spaces(*last)) return std::nullopt;
    if (parts->size() == 1) return SpaceBefore::nothing;
    return is_prepending_space(*first) ? std::optional(SpaceBefore::every_part) : std::nullopt;
}

// Source: tokenizers, pre_tokenizers/metaspace.rs; and `LlamaConverter.pre_tokenizer`.
std::optional<SpaceBefore> space_of_pre_tokenizer(const json::object& step) {
    if (text_at(step, "type") != "Metaspace" || text_at(step, "replacement") != space ||
        flag_at(step, "split", true))
        return std::nullopt;
    const std::string_view usual = flag_at(step, "add_prefix_space", true) ? "always" : "never";
    const std::string_view scheme = text_at(step, "prepend_scheme").value_or(usual);
    if (scheme == "always") return SpaceBefore::every_part;
    if (scheme == "first") return SpaceBefore::the_text;
    return scheme == "never" ? std::optional(SpaceBefore::nothing) : std::nullopt;
}

std::optional<SpaceBefore> space_before(const json::object& content) {
    const json::object* normalizer = object_at(content, "normalizer");
    const json::object* step = object_at(content, "pre_tokenizer");
    if (normalizer && !step) return space_of_normalizer(*normalizer);
    if (step && !normalizer) return space_of_pre_tokenizer(*step);
    return std::nullopt;
}

// "<0x41>" for 65.
std::string byte_token(unsigned byte) {
    return fmt::format("<0x{:02X}>", byte);
}

// From merges to the scores by which libllama chooses what to merge first. It merges whatever
// makes a token, by the token's score and not by its parts. That comes to the same where the
// merges of a token follow one on the other, and are all pairs of tokens that make it, as in every
// file that was made of a SentencePiece model.
// Source: `llm_tokenizer_spm_session` in llama.cpp; transformers, `generate_merges`.
class Scores {
public:
    Scores(const TokenizerFile& file, const TokenTable& table) : file_(file), table_(table) {}

    Result<std::vector<float>> run(const std::vector<Merge>& merges) {
        std::vector<float> scores(table_.tokens().size(), -static_cast<float>(merges.size()));
        std::vector<std::size_t> counts(scores.size());
        std::uint32_t last = 0;
        for (std::size_t rank = 0; rank < merges.size(); ++rank) {
            whole_.assign(merges[rank].left).append(merges[rank].right);
            const auto id = table_.find(whole_);
            if (!id) {
                return fail(corrupt_file(
                    file_.name, fmt::format("merge {} makes no token of the vocabulary", rank)));
            }
            if (counts[*id]++ == 0)
                scores[*id] = -static_cast<float>(rank);
            else if (*id != last)
                return unsupported(whole_);
            last = *id;
        }
        for (std::size_t id = 0; id < scores.size(); ++id) {
            const VocabularyToken& token = table_.tokens()[id];
            if (token.type == TokenType::normal && pairs_of(token.text) != counts[id])
                return unsupported(token.text);
        }
        return scores;
    }

private:
    // Ways to cut a token into two that libllama may have at hand: tokens or single characters.
    std::size_t pairs_of(const std::string& text) {
        std::size_t pairs = 0;
        for (std::size_t cut = 1; cut < text.size(); ++cut) {
            const std::string_view left = std::string_view(text).substr(0, cut);
            const std::string_view right = std::string_view(text).substr(cut);
            if (is_at_hand(left) && is_at_hand(right)) ++pairs;
        }
        return pairs;
    }

    bool is_at_hand(std::string_view part) const {
        return utf8_length(part) == part.size() || table_.find(part).has_value();
    }

    tl::unexpected<Error> unsupported(std::string_view token) const {
        return fail(unsupported_model(
            file_.name, fmt::format("the merges of the token \"{}\" do not follow from the "
                                    "vocabulary as those of SentencePiece do, which is not "
                                    "supported",
                                    printable(token))));
    }

    const TokenizerFile& file_;
    const TokenTable& table_;
    std::string whole_;
};

}  // namespace

Result<std::vector<GgufEntry>> plan_sentence_piece(const TokenizerFile& file, TokenTable& table) {
    const auto before = space_before(file.content);
    if (!before) {
        return fail(unsupported_model(
            file.name,
            "a normaliser or pre-tokeniser that does more than to turn spaces into ▁ is "
            "not supported with byte_fallback"));
    }
    const auto merges = read_merges(file.name, file.model);
    if (!merges) return fail(merges.error());
    for (unsigned byte = 0; byte < 256; ++byte) {
        const auto id = table.find(byte_token(byte));
        if (!id) return fail(corrupt_file(file.name, "lacks the token " + byte_token(byte)));
        table.tokens()[*id].type = TokenType::byte;
    }
    const auto unknown = text_at(file.model, "unk_token");
    if (const auto id = unknown ? table.find(*unknown) : std::nullopt)
        table.tokens()[*id].type = TokenType::unknown;
    auto scores = Scores(file, table).run(*merges);
    if (!scores) return fail(scores.error());
    std::vector<GgufEntry> entries{
        {"tokenizer.ggml.model", std::string("llama")},
        {"tokenizer.ggml.pre", std::string("default")},
        {"tokenizer.ggml.scores", std::move(*scores)},
        {"tokenizer.ggml.add_space_prefix", *before == SpaceBefore::every_part},
    };
    if (*before == SpaceBefore::the_text) entries.push_back({std::string(leading_space_key), true});
    return entries;
}

}  // namespace worker
