#pragma once

#include "llm/model/text_model.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

enum class SpecialTokens : std::uint8_t {
    as_text,  // "<|im_end|>" in the text is these ten characters
    parsed,   // "<|im_end|>" in the text is the control token
};

// A model's tokens. Immutable. Thread: any.
class Vocabulary {
public:
    virtual ~Vocabulary() = default;

    virtual std::uint32_t size() const = 0;

    // With the model's own leading token (BOS) where it wants one. Errors: invalid_request when
    // the text cannot be tokenised.
    virtual Result<std::vector<Token>> tokenize(std::string_view text,
                                                SpecialTokens special) const = 0;

    // The bytes that the token stands for, possibly a part of a UTF-8 character. Control tokens
    // have none.
    virtual std::string_view piece(Token token) const = 0;

    // True for tokens that end a generation (EOS, EOT and their like).
    virtual bool ends_generation(Token token) const = 0;
    // All of these.
    virtual std::span<const Token> ends() const = 0;
};

}  // namespace llm
