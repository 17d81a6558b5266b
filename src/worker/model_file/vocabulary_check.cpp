#include "worker/model_file/vocabulary_check.h"

#include "worker/model_file/gguf_cursor.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace worker {
namespace {

constexpr std::string_view remedy = "; get another file of this model";

// A word of tokenizer.ggml.model, and what the library assumes where the file is silent.
struct Tokenizer {
    std::string_view name;
    std::optional<std::int64_t> begin_token;  // put before a text
    std::optional<std::int64_t> end_token;    // put after a text
    bool adds_begin;
    bool adds_end;
    // WordPiece: begin and separator stand around every text, whatever the file says, and a word
    // that it does not know becomes the unknown token.
    bool surrounds = false;
};

constexpr std::array tokenizers{
    Tokenizer{"llama", 1, 2, true, false},
    // Some pre-tokenisers add a leading token by default, so all of them must have one.
    Tokenizer{"gpt2", 11, 11, true, false},
    Tokenizer{"hybriddna", 11, 11, true, false},
    Tokenizer{"whitespace", 11, 11, true, false},
    Tokenizer{"gemma4", std::nullopt, std::nullopt, true, false},
    Tokenizer{"bert", 101, std::nullopt, false, false, true},
    Tokenizer{"t5", std::nullopt, 1, false, true},
    Tokenizer{"plamo2", 1, 2, false, false},
    Tokenizer{"rwkv", std::nullopt, std::nullopt, false, false},
};

tl::unexpected<Error> corrupt(const ByteSource& source, const std::string& what) {
    return fail(ErrorCode::model_corrupt, fmt::format("{}: {}{}", source.name(), what, remedy));
}

Result<Tokenizer> find_tokenizer(const ByteSource& source, const GgufHeader& header) {
    const std::string* name = header.text("tokenizer.ggml.model");
    if (!name) return corrupt(source, "the file has no tokeniser (tokenizer.ggml.model)");
    const auto found = std::find_if(tokenizers.begin(), tokenizers.end(),
                                    [&](const Tokenizer& row) { return row.name == *name; });
    if (found == tokenizers.end()) {
        return fail(ErrorCode::model_unsupported,
                    fmt::format("{}: the tokeniser \"{}\" (tokenizer.ggml.model) is not supported",
                                source.name(), printable(*name)));
    }
    return *found;
}

struct SpecialToken {
    std::string_view id_key;
    std::string_view add_key;  // empty: always added
    std::optional<std::int64_t> id_default;
    bool added_default;
};

std::vector<SpecialToken> special_tokens(const Tokenizer& tokenizer) {
    constexpr std::string_view begin = "tokenizer.ggml.bos_token_id";
    const SpecialToken end{"tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_eos_token",
                           tokenizer.end_token, tokenizer.adds_end};
    if (!tokenizer.surrounds)
        return {
            {begin, "tokenizer.ggml.add_bos_token", tokenizer.begin_token, tokenizer.adds_begin},
            end};
    return {{begin, "", tokenizer.begin_token, true},
            {"tokenizer.ggml.seperator_token_id", "", 102, true},
            {"tokenizer.ggml.unknown_token_id", "", 100, true},
            end};
}

Result<void> check_special_token(const ByteSource& source, const GgufHeader& header,
                                 const SpecialToken& token, std::int64_t vocabulary_size) {
    const auto id = header.integer(token.id_key);
    if (id && (*id < 0 || *id >= vocabulary_size)) {
        return corrupt(source, fmt::format("{} is {}, and the vocabulary has {} tokens",
                                           token.id_key, *id, vocabulary_size));
    }
    const bool has_default = token.id_default && *token.id_default < vocabulary_size;
    const bool added = header.boolean(token.add_key).value_or(token.added_default);
    if (!added || id || has_default) return {};
    if (token.add_key.empty()) return corrupt(source, fmt::format("{} is missing", token.id_key));
    return corrupt(source, fmt::format("{} says that a token is added, and {} names none",
                                       token.add_key, token.id_key));
}

// As the library does: an empty token gets a name, and a zero byte ends a token.
std::uint64_t token_hash(std::string_view token, std::uint64_t index) {
    const std::string_view text = token.substr(0, token.find('\0'));
    if (text.empty()) return std::hash<std::string>{}(fmt::format("[EMPTY_{}]", index));
    return std::hash<std::string_view>{}(text);
}

// Compares 64-bit hashes: two tokens of a vocabulary of a million share one by chance once in
// forty million files, and the search needs 8 bytes a token.
Result<void> check_tokens(const ByteSource& source, const GgufArray& tokens) {
    GgufCursor cursor(source, tokens.offset, source.size());
    std::vector<std::uint64_t> hashes;
    hashes.reserve(static_cast<std::size_t>(tokens.count));
    for (std::uint64_t i = 0; i < tokens.count && cursor.ok(); ++i) {
        const std::uint64_t length = cursor.u64();
        if (length > token_bytes_max) {
            return corrupt(source, fmt::format("token {} at byte {} is {} bytes long", i,
                                               cursor.position() - 8, length));
        }
        hashes.push_back(token_hash(cursor.text(length), i));
    }
    if (!cursor.ok()) return fail(*cursor.error());
    std::sort(hashes.begin(), hashes.end());
    if (std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end())
        return corrupt(source, "a token is twice in the vocabulary (tokenizer.ggml.tokens)");
    return {};
}

}  // namespace

Result<VocabularyFacts> check_vocabulary(const ByteSource& source, const GgufHeader& header) {
    const auto tokenizer = find_tokenizer(source, header);
    if (!tokenizer) return fail(tokenizer.error());
    const GgufArray* tokens = header.array("tokenizer.ggml.tokens");
    if (!tokens || tokens->type != GgufType::string || tokens->count == 0)
        return corrupt(source, "the file has no vocabulary (tokenizer.ggml.tokens)");
    if (tokens->count > vocabulary_size_max)
        return corrupt(source, fmt::format("the vocabulary has {} tokens", tokens->count));
    for (const std::string_view key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
        const GgufArray* values = header.array(key);
        if (header.contains(key) && (!values || values->count != tokens->count)) {
            return corrupt(source, fmt::format("{} has {} entries, and the vocabulary {} tokens",
                                               key, values ? values->count : 0, tokens->count));
        }
    }
    for (const SpecialToken& token : special_tokens(*tokenizer)) {
        const auto size = static_cast<std::int64_t>(tokens->count);
        if (auto checked = check_special_token(source, header, token, size); !checked)
            return fail(checked.error());
    }
    if (auto checked = check_tokens(source, *tokens); !checked) return fail(checked.error());
    return VocabularyFacts{std::string(tokenizer->name), static_cast<std::uint32_t>(tokens->count)};
}

}  // namespace worker
