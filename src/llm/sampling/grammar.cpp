#include "llm/sampling/grammar.h"

#include "ffi/call.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace llm {

using worker::ErrorCode;
using worker::fail;

namespace {

class Grammar final : public TokenConstraint {
public:
    Grammar(rbee_constraint* made, std::uint32_t vocabulary_size)
        : made_(made), words_((vocabulary_size + 31) / 32) {}

    Result<std::span<const std::uint32_t>> allowed() override {
        const Result<std::string> done = ffi::call([&](rbee_text* error) {
            return rbee_constraint_allowed(made_.get(), words_.data(), words_.size(), error);
        });
        if (!done) return lost(done.error());
        return words_;
    }

    Result<void> accept(Token token) override {
        const Result<std::string> done = ffi::call([&](rbee_text* error) {
            return rbee_constraint_accept(made_.get(), static_cast<std::uint32_t>(token), error);
        });
        if (!done) return lost(done.error());
        return {};
    }

private:
    struct Free {
        void operator()(rbee_constraint* made) const { rbee_constraint_free(made); }
    };

    static tl::unexpected<worker::Error> lost(const worker::Error& error) {
        return fail(ErrorCode::inference_failed, "the grammar cannot go on: " + error.message);
    }

    std::unique_ptr<rbee_constraint, Free> made_;
    std::vector<std::uint32_t> words_;
};

// What a grammar may name "<|im_end|>", apart from the same characters in a text.
constexpr char control_mark = '\xFF';

void append_token(const Vocabulary& vocabulary, Token token, std::string& bytes) {
    const std::string_view piece = vocabulary.piece(token);
    const std::string_view spelling = vocabulary.spelling(token);
    if (piece.empty() && !spelling.empty()) bytes += control_mark;
    bytes += piece.empty() ? spelling : piece;
}

void append_literally(std::string_view text, std::string& expression) {
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte < 0x20) {
            expression += fmt::format("\\x{:02x}", byte);
            continue;
        }
        if (std::string_view(R"(\.+*?()|[]{}^$#&-~)").find(character) != std::string_view::npos)
            expression += '\\';
        expression += character;
    }
}

constexpr std::int32_t number_of(GrammarKind kind) {
    switch (kind) {
        case GrammarKind::json_schema: return rbee_json_schema;
        case GrammarKind::regex: return rbee_regex;
        case GrammarKind::lark: return rbee_lark;
        case GrammarKind::own_lark: return rbee_own_lark;
    }
    __builtin_unreachable();
}

}  // namespace

Result<GrammarSpec> one_of(std::span<const std::string> choices) {
    if (choices.empty()) return fail(ErrorCode::invalid_request, "there is no choice to be made");
    std::string expression;
    for (const std::string& choice : choices) {
        if (choice.empty()) return fail(ErrorCode::invalid_request, "a choice must not be empty");
        if (&choice != &choices.front()) expression += '|';
        append_literally(choice, expression);
    }
    return GrammarSpec{GrammarKind::regex, std::move(expression)};
}

void GrammarVocabulary::Free::operator()(rbee_vocabulary* made) const {
    rbee_vocabulary_free(made);
}

Result<std::shared_ptr<const GrammarVocabulary>> GrammarVocabulary::make(
    const Vocabulary& vocabulary) {
    std::string bytes;
    std::vector<std::uint32_t> offsets = {0};
    offsets.reserve(vocabulary.size() + std::size_t{1});
    for (std::uint32_t token = 0; token < vocabulary.size(); ++token) {
        append_token(vocabulary, static_cast<Token>(token), bytes);
        offsets.push_back(static_cast<std::uint32_t>(bytes.size()));
    }
    const std::span<const Token> ends = vocabulary.ends();
    rbee_vocabulary* made = nullptr;
    const Result<std::string> done = ffi::call([&](rbee_text* error) {
        return rbee_vocabulary_make(ffi::view(bytes), offsets.data(), vocabulary.size(),
                                    ends.data(), ends.size(), &made, error);
    });
    if (!done) return fail(done.error());
    return std::shared_ptr<const GrammarVocabulary>(
        new GrammarVocabulary(Made(made), vocabulary.size()));
}

Result<std::unique_ptr<TokenConstraint>> GrammarVocabulary::constrain(
    const GrammarSpec& spec) const {
    if (spec.text.size() > grammar_bytes_max) {
        return fail(ErrorCode::invalid_request,
                    fmt::format("a grammar may have {} bytes at most (this one has {})",
                                grammar_bytes_max, spec.text.size()));
    }
    rbee_constraint* made = nullptr;
    const Result<std::string> done = ffi::call([&](rbee_text* error) {
        return rbee_constraint_make(made_.get(), number_of(spec.kind), ffi::view(spec.text), &made,
                                    error);
    });
    if (!done) return fail(done.error());
    return std::make_unique<Grammar>(made, size_);
}

}  // namespace llm
