#pragma once

#include "llama/model.h"
#include "llm/model/vocabulary.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

// A model's tokens, by libllama's tokeniser. Immutable. Thread: any.
class Vocabulary final : public llm::Vocabulary {
public:
    explicit Vocabulary(std::shared_ptr<const Model> model);

    std::uint32_t size() const override { return static_cast<std::uint32_t>(pieces_.size()); }
    Result<std::vector<llm::Token>> tokenize(std::string_view text, llm::SpecialTokens special,
                                             llm::LeadingToken leading) const override;
    std::string_view piece(llm::Token token) const override;
    std::string_view spelling(llm::Token token) const override;
    bool ends_generation(llm::Token token) const override;
    std::span<const llm::Token> ends() const override { return ends_; }
    std::optional<llm::FillInMiddle> fill_in_middle() const override;

    // How the model's file writes the token, e.g. "<|im_end|>": what chat templates call
    // `bos_token` and `eos_token`. Empty where the model has none.
    std::string bos_text() const;
    std::string eos_text() const;

private:
    struct Piece {
        std::uint32_t offset;
        std::uint32_t bytes;
        bool control;
    };
    void append_spelling(llm::Token token);
    void read_leading_space();
    const Piece& at(llm::Token token) const;
    bool wants_leading_space(std::string_view text, llm::SpecialTokens special) const;
    bool begins_twice(const std::vector<llm::Token>& tokens) const;

    const std::shared_ptr<const Model> model_;
    const bool splits_hangul_;
    std::string bytes_;             // Of all spellings, one after the other.
    std::vector<Piece> pieces_;     // [n_vocab]
    std::vector<llm::Token> ends_;  // In ascending order.
    bool leading_space_ = false;    // See `worker::leading_space_key`.
    // Where there are leading spaces, what stands in texts as a whole.
    std::vector<llm::Token> special_;
};

}  // namespace llama
