#pragma once

#include "llm/model/text_model.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

enum class SpecialTokens : std::uint8_t {
    as_text,  // "<|im_end|>" in the text is these ten characters
    parsed,   // "<|im_end|>" in the text is the control token
};

// The tokens that a model wants around a text: before it (BOS, CLS), and behind it where the model
// was trained so (EOS, SEP).
enum class LeadingToken : std::uint8_t { as_model_wants, none };

// The tokens around which a model was trained to fill in what lies between two texts.
struct FillInMiddle {
    Token prefix;
    Token suffix;
    Token middle;
};

// A model's tokens. Immutable. Thread: any.
class Vocabulary {
public:
    virtual ~Vocabulary() = default;

    virtual std::uint32_t size() const = 0;

    // Errors: invalid_request when the text cannot be tokenised.
    virtual Result<std::vector<Token>> tokenize(std::string_view text, SpecialTokens special,
                                                LeadingToken leading) const = 0;

    // The bytes that the token stands for, possibly a part of a UTF-8 character. Control tokens
    // have none.
    virtual std::string_view piece(Token token) const = 0;
    // The same, but control tokens are written out as chat templates write them: "<|im_end|>".
    virtual std::string_view spelling(Token token) const = 0;

    // True for tokens that end a generation (EOS, EOT and their like).
    virtual bool ends_generation(Token token) const = 0;
    // All of these.
    virtual std::span<const Token> ends() const = 0;

    // Nothing where the model was not trained for it.
    virtual std::optional<FillInMiddle> fill_in_middle() const = 0;
};

}  // namespace llm
