#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/model_directory.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace worker {

// Source: enum llama_token_type in llama.h.
enum class TokenType : std::int32_t {
    normal = 1,
    unknown = 2,
    control = 3,
    user_defined = 4,
    unused = 5,
    byte = 6,
};

struct VocabularyToken {
    std::string text;
    TokenType type = TokenType::unused;
};

// Which tokens take the white space beside them away from a text.
enum class Stripping : std::uint8_t {
    none,
    // That behind all special tokens but <unk>, <s> and <|endoftext|>: libllama does so in models
    // that are called Phi-3. Source: llama_vocab::impl::load in llama.cpp.
    phi3,
};

// The tokens of a tokenizer.json by their ids, and those added to them.
// Source: tokenizers, models/bpe/serialization.rs and `AddedVocabulary`.
class TokenTable {
public:
    // As many as the model has rows for; what is missing in between is filled up with unused ones.
    // Errors: model_corrupt, model_unsupported.
    static Result<TokenTable> read(const ModelDirectory& directory, std::uint32_t size);

    const std::vector<VocabularyToken>& tokens() const { return tokens_; }
    // What a tokeniser makes of them; ids stay.
    std::vector<VocabularyToken>& tokens() { return tokens_; }

    // By the text of tokenizer.json, whatever has become of it.
    std::optional<std::uint32_t> find(std::string_view text) const;

    Stripping stripping() const { return stripping_; }

private:
    class Reader;

    std::vector<VocabularyToken> tokens_;
    std::unordered_map<std::string, std::uint32_t> ids_;
    Stripping stripping_ = Stripping::none;
};

}  // namespace worker
