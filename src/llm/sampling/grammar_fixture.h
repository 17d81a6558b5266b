#pragma once

#include "llm/sampling/grammar.h"
#include "worker/base/json.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

// Each byte, some longer pieces of JSON, an end, and a control token.
class ByteVocabulary final : public Vocabulary {
public:
    ByteVocabulary() {
        for (int byte = 0; byte < 256; ++byte) pieces_.emplace_back(1, static_cast<char>(byte));
        for (const char* piece :
             {"\": ", "\",", ", \"", "{\"", "\"}", " true", "    ", "é🙂", "12"})
            pieces_.emplace_back(piece);
        end_ = static_cast<Token>(pieces_.size());
    }

    Token end() const { return end_; }
    Token control() const { return end_ + 1; }

    std::uint32_t size() const override { return static_cast<std::uint32_t>(end_) + 2; }
    Result<std::vector<Token>> tokenize(std::string_view text, SpecialTokens,
                                        LeadingToken) const override {
        std::vector<Token> tokens;
        for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
        return tokens;
    }
    std::string_view piece(Token token) const override {
        return token < end_ ? pieces_[static_cast<std::size_t>(token)] : std::string_view();
    }
    std::string_view spelling(Token token) const override {
        if (token == end_) return "<|end|>";
        return token == control() ? "<|tool|>" : piece(token);
    }
    bool ends_generation(Token token) const override { return token == end_; }
    std::span<const Token> ends() const override { return {&end_, 1}; }
    std::optional<FillInMiddle> fill_in_middle() const override { return std::nullopt; }

private:
    std::vector<std::string> pieces_;
    Token end_ = 0;
};

inline bool is_set(std::span<const std::uint32_t> words, Token token) {
    const auto bit = static_cast<std::uint32_t>(token);
    return (words[bit / 32] >> (bit % 32) & 1) != 0;
}

// Says at random what a constraint allows, and after a while what brings JSON to its end. No text
// where it came to none.
class RandomWalk {
public:
    RandomWalk(const Vocabulary& vocabulary, std::uint32_t seed)
        : vocabulary_(vocabulary), random_(seed) {}

    std::optional<std::string> walk(TokenConstraint& constraint) {
        std::string text;
        for (int step = 0; step < 4000; ++step) {
            const auto allowed = constraint.allowed();
            if (!allowed) {
                ADD_FAILURE() << allowed.error().message << " after " << text;
                return std::nullopt;
            }
            const Token token = choose(*allowed, step);
            if (vocabulary_.ends_generation(token)) return text;
            text += vocabulary_.piece(token);
            const auto accepted = constraint.accept(token);
            EXPECT_TRUE(accepted.has_value()) << text;
        }
        return std::nullopt;
    }

private:
    Token choose(std::span<const std::uint32_t> allowed, int step) {
        std::vector<Token> tokens;
        std::vector<Token> closing;
        for (Token token = 0; token < static_cast<Token>(vocabulary_.size()); ++token) {
            if (!is_set(allowed, token)) continue;
            tokens.push_back(token);
            if (closes(token)) closing.push_back(token);
        }
        EXPECT_FALSE(tokens.empty());
        const bool hurry = step > 20 || random_() % 4 == 0;
        const std::vector<Token>& from = hurry && !closing.empty() ? closing : tokens;
        return from.empty() ? vocabulary_.ends()[0] : from[random_() % from.size()];
    }

    bool closes(Token token) const {
        const std::string_view piece = vocabulary_.piece(token);
        return vocabulary_.ends_generation(token) || piece == "\"" || piece == "}" || piece == "]";
    }

    const Vocabulary& vocabulary_;
    std::mt19937 random_;
};

}  // namespace llm
