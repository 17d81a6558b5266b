#include "worker/hugging_face/token_table.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/model_file/printable.h"
#include "worker/model_file/vocabulary_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

// Where libllama, asked to strip for Phi-3, does not. Source: llama_vocab::impl::load.
constexpr std::array<std::string_view, 3> never_stripping{"<unk>", "<s>", "<|endoftext|>"};
constexpr std::string_view closing = "</s>";

bool is_one_of(std::string_view text, const std::array<std::string_view, 3>& texts) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// Some makers forget to call such tokens special. Source: llama.cpp, conversion/base.py,
// `does_token_look_special`.
bool looks_special(std::string_view text) {
    return (text.starts_with("<|") && text.ends_with("|>")) ||
           (text.starts_with("<｜") && text.ends_with("｜>")) || text == "<pad>" ||
           text == "<mask>";
}

}  // namespace

// Fills one table. The first failure sticks.
class TokenTable::Reader {
public:
    Reader(const ModelDirectory& directory, std::uint32_t size)
        : directory_(directory), file_(directory.name_of("tokenizer.json")) {
        table_.tokens_.resize(size);
    }

    Result<TokenTable> run() {
        const json::object* model = object_at(directory_.tokenizer, "model");
        const json::object* vocabulary = model ? object_at(*model, "vocab") : nullptr;
        if (!vocabulary || vocabulary->empty())
            return fail(corrupt_file(file_, "has no vocabulary"));
        table_.ids_.reserve(vocabulary->size());
        for (const auto& [text, id] : *vocabulary)
            if (!add(text, integer_of(id), TokenType::normal)) return fail(*error_);
        if (const json::array* added = array_at(directory_.tokenizer, "added_tokens"))
            for (const json::value& token : *added)
                if (!add_added(token)) return fail(*error_);
        if (!check_stripping()) return fail(*error_);
        fill_up();
        return std::move(table_);
    }

private:
    bool add(std::string_view text, std::optional<std::int64_t> id, TokenType type) {
        const std::size_t size = table_.tokens_.size();
        if (!id || *id < 0 || *id >= static_cast<std::int64_t>(size)) {
            return corrupt(
                fmt::format("the token \"{}\" has no id below the {} of config.json's "
                            "vocab_size",
                            printable(text), size));
        }
        if (text.size() > token_bytes_max || text.find('\0') != std::string_view::npos) {
            return unsupported(
                fmt::format("the token \"{}\" is too long or holds a zero byte", printable(text)));
        }
        const auto index = static_cast<std::uint32_t>(*id);
        VocabularyToken& token = table_.tokens_[index];
        const auto [entry, is_new] = table_.ids_.emplace(text, index);
        const bool taken = token.type != TokenType::unused && token.text != text;
        if (taken || entry->second != index || (!is_new && type == TokenType::normal))
            return corrupt(fmt::format("the token \"{}\" has the id {} of another, or two ids",
                                       printable(text), index));
        token = {std::string(text), type};
        return true;
    }

    bool add_added(const json::value& value) {
        const json::object* token = value.if_object();
        const auto text = token ? text_at(*token, "content") : std::nullopt;
        const auto id = token ? integer_at(*token, "id") : std::nullopt;
        if (!text || text->empty() || !id) return corrupt("an added token has no id or no content");
        // Nobody can use it: the model has no row for it.
        if (*id >= static_cast<std::int64_t>(table_.tokens_.size())) return true;
        const bool special = flag_at(*token, "special") || looks_special(*text);
        if (!add(*text, id, special ? TokenType::control : TokenType::user_defined)) return false;
        if (flag_at(*token, "single_word"))
            return unsupported(
                fmt::format("the token \"{}\" stands for whole words only", printable(*text)));
        // What a mask takes away makes no difference to texts without one.
        if (*text == "[MASK]" || *text == "<mask>") return true;
        if (flag_at(*token, "lstrip")) return unsupported_stripping(*text);
        if (flag_at(*token, "rstrip")) stripping_.emplace_back(*text);
        return true;
    }

    // All of the tokens that libllama would let strip, or none.
    bool check_stripping() {
        if (stripping_.empty()) return true;
        for (const std::string& text : stripping_)
            if (is_one_of(text, never_stripping)) return unsupported_stripping(text);
        const auto& tokens = table_.tokens_;
        const auto special = std::count_if(tokens.begin(), tokens.end(), [](const auto& token) {
            const bool added =
                token.type == TokenType::control || token.type == TokenType::user_defined;
            return added && !is_one_of(token.text, never_stripping);
        });
        const bool all = special == static_cast<std::ptrdiff_t>(stripping_.size());
        const bool there = table_.ids_.contains(std::string(closing)) &&
                           std::all_of(never_stripping.begin(), never_stripping.end(),
                                       [&](auto text) { return table_.find(text).has_value(); });
        if (!all || !there) return unsupported_stripping(stripping_.front());
        table_.stripping_ = Stripping::phi3;
        return true;
    }

    // Rows that no token has, and that the library wants to see.
    void fill_up() {
        for (std::size_t id = 0; id < table_.tokens_.size(); ++id)
            if (table_.tokens_[id].type == TokenType::unused)
                table_.tokens_[id].text = fmt::format("[PAD{}]", id);
    }

    bool unsupported_stripping(std::string_view text) {
        return unsupported(
            fmt::format("the token \"{}\" takes white space beside it away, which "
                        "is not supported for this model",
                        printable(text)));
    }
    bool corrupt(std::string_view what) {
        error_ = corrupt_file(file_, what);
        return false;
    }
    bool unsupported(std::string_view what) {
        error_ = unsupported_model(file_, what);
        return false;
    }

    const ModelDirectory& directory_;
    const std::string file_;
    TokenTable table_;
    std::vector<std::string> stripping_;
    std::optional<Error> error_;
};

Result<TokenTable> TokenTable::read(const ModelDirectory& directory, std::uint32_t size) {
    return Reader(directory, size).run();
}

std::optional<std::uint32_t> TokenTable::find(std::string_view text) const {
    const auto found = ids_.find(std::string(text));
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace worker
