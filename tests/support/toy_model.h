#pragma once

#include "llm/model/text_model.h"
#include "llm/model/vocabulary.h"
#include "tests/support/gate.h"
#include "tests/support/manual_clock.h"
#include "worker/base/assert.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llm {

// 26 letters, the two bytes of "é" one by one, an end of generation, and a control token.
class ToyVocabulary final : public Vocabulary {
public:
    static constexpr Token e_acute_first = 26;
    static constexpr Token e_acute_second = 27;
    static constexpr Token end = 28;
    static constexpr Token control = 29;

    std::uint32_t size() const override { return 30; }
    // Nothing but letters, and the control token, where it is parsed, can be said in these tokens.
    Result<std::vector<Token>> tokenize(std::string_view text, SpecialTokens special,
                                        LeadingToken) const override {
        std::vector<Token> tokens;
        for (; !text.empty(); text.remove_prefix(1)) {
            if (special == SpecialTokens::parsed && text.starts_with(spelling(control))) {
                tokens.push_back(control);
                text.remove_prefix(spelling(control).size() - 1);
            } else if (text.front() >= 'a' && text.front() <= 'z') {
                tokens.push_back(text.front() - 'a');
            }
        }
        return tokens;
    }
    std::string_view piece(Token token) const override {
        static constexpr std::string_view bytes = "abcdefghijklmnopqrstuvwxyz\xC3\xA9";
        return token >= end ? "" : bytes.substr(static_cast<std::size_t>(token), 1);
    }
    std::string_view spelling(Token token) const override {
        if (token == control) return "<control>";
        return token == end ? "<end>" : piece(token);
    }
    bool ends_generation(Token token) const override { return token == end; }
    std::span<const Token> ends() const override { return {&end, 1}; }
    std::optional<FillInMiddle> fill_in_middle() const override { return std::nullopt; }
};

// A model whose next token is a function of every token before it, so that a token computed at the
// wrong place, twice, or in another sequence changes the text. Aborts when the port's requirements
// are not kept.
class ToyModel final : public TextModel {
public:
    explicit ToyModel(const Capabilities& capabilities)
        : capabilities_(capabilities), sequences_(capabilities.sequences_max) {
        capabilities_.vocabulary_size = ToyVocabulary().size();
    }

    bool fail_next = false;
    std::size_t rows_computed = 0;
    worker::Gate* gate = nullptr;  // each step passes it
    // What a step takes of a clock that stands still otherwise.
    worker::ManualClock* clock = nullptr;
    worker::Clock::Duration takes_per_row{};
    // What follows a text whose tokens are these; by default any letter but the special ones.
    Token (*next)(std::span<const Token> tokens) = any_letter;

    static Token any_letter(std::span<const Token> tokens) {
        std::uint32_t hash = 2166136261u;
        for (const Token token : tokens)
            hash = (hash ^ static_cast<std::uint32_t>(token)) * 16777619u;
        return static_cast<Token>(hash % 26);
    }

    // What it says to this prompt by default when it is asked alone, token by token.
    static std::string text_alone(std::vector<Token> tokens, std::uint32_t tokens_max,
                                  std::uint32_t context_max) {
        std::string text;
        while (text.size() < tokens_max && tokens.size() <= context_max) {
            tokens.push_back(any_letter(tokens));
            text += ToyVocabulary().piece(tokens.back());
        }
        return text;
    }

    const Capabilities& capabilities() const override { return capabilities_; }

    tl::expected<Logits, ForwardError> forward(std::span<const Run> runs) override {
        if (gate != nullptr) gate->pass();
        if (std::exchange(fail_next, false)) return tl::make_unexpected(ForwardError::failed);
        std::size_t rows = 0;
        logits_.clear();
        for (const Run& run : runs) {
            Cells& cells = at(run.sequence);
            WORKER_ASSERT(!run.tokens.empty() && run.position == cells.size());
            for (const Token token : run.tokens)
                cells.push_back(std::make_shared<const Token>(token));
            WORKER_ASSERT(cells.size() <= capabilities_.context_max);
            rows += run.tokens.size();
            if (run.output_last) append_logits(next(tokens_of(cells)));
        }
        rows_computed += rows;
        if (clock != nullptr) clock->advance(takes_per_row * static_cast<int>(rows));
        WORKER_ASSERT(rows <= capabilities_.rows_max && cells_used() <= capabilities_.cells);
        return Logits{logits_, capabilities_.vocabulary_size};
    }

    bool share_prefix(SequenceId from, SequenceId to, std::uint32_t length) override {
        WORKER_ASSERT(at(to).empty() && length <= at(from).size());
        WORKER_ASSERT(capabilities_.prefix_sharing == PrefixSharing::any_length);
        at(to).assign(at(from).begin(), at(from).begin() + length);
        return true;
    }
    bool truncate(SequenceId sequence, std::uint32_t length) override {
        at(sequence).resize(length);
        return true;
    }
    void release(SequenceId sequence) override { at(sequence).clear(); }
    std::vector<std::byte> save(SequenceId sequence, std::uint32_t from) override {
        WORKER_ASSERT(capabilities_.prefix_saving == PrefixSaving::parts || from == 0);
        const std::vector<Token> tokens = tokens_of(at(sequence));
        const auto bytes = std::as_bytes(std::span(tokens).subspan(from));
        return {bytes.begin(), bytes.end()};
    }
    bool restore(SequenceId sequence, std::uint32_t from,
                 std::span<const std::byte> bytes) override {
        WORKER_ASSERT(at(sequence).size() == from);
        const std::size_t count = bytes.size() / sizeof(Token);
        if (cells_used() + count > capabilities_.cells) return false;
        const auto* tokens = reinterpret_cast<const Token*>(bytes.data());
        for (std::size_t i = 0; i < count; ++i)
            at(sequence).push_back(std::make_shared<const Token>(tokens[i]));
        return true;
    }
    std::uint64_t device_bytes() const override { return 0; }
    std::uint64_t host_bytes() const override { return 1; }

    // Shared ones count once.
    std::size_t cells_used() const {
        std::set<std::shared_ptr<const Token>> used;
        for (const Cells& cells : sequences_) used.insert(cells.begin(), cells.end());
        return used.size();
    }
    // What the sequence holds.
    std::vector<Token> tokens(SequenceId sequence) { return tokens_of(at(sequence)); }

private:
    using Cells = std::vector<std::shared_ptr<const Token>>;

    Cells& at(SequenceId sequence) { return sequences_.at(static_cast<std::size_t>(sequence)); }

    static std::vector<Token> tokens_of(const Cells& cells) {
        std::vector<Token> tokens;
        for (const auto& cell : cells) tokens.push_back(*cell);
        return tokens;
    }

    void append_logits(Token likely) {
        const std::size_t row = logits_.size();
        logits_.resize(row + capabilities_.vocabulary_size, 0.0f);
        logits_[row + static_cast<std::size_t>(likely)] = 10.0f;
    }

    Capabilities capabilities_;
    std::vector<Cells> sequences_;
    std::vector<float> logits_;
};

}  // namespace llm
