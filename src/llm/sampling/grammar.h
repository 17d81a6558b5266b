#pragma once

#include "llm/model/vocabulary.h"
#include "llm/sampling/token_constraint.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct rbee_vocabulary;

namespace llm {

enum class GrammarKind : std::uint8_t {
    json_schema,  // a JSON Schema, as check_schema() leaves it
    regex,        // for the whole reply; Rust's syntax, without look-around
    lark,         // with `start` as its first rule. Source: llguidance, docs/syntax.md
    own_lark,     // the same, written by the worker around callers' schemas, which may be long
};

// What a reply has to be.
struct GrammarSpec {
    GrammarKind kind;
    std::string text;
};

// As a caller's body may be, and no more than compiles in about a second.
inline constexpr std::size_t grammar_bytes_max = 256 * 1024;

// One of these texts. Errors: invalid_request where there is none, or an empty one.
Result<GrammarSpec> one_of(std::span<const std::string> choices);

// A model's tokens as grammars see them. Made once a model, which takes a good part of a second;
// shared by all its constraints. Immutable. Thread: any.
class GrammarVocabulary {
public:
    // Errors: invalid_request where no token ends a reply.
    static Result<std::shared_ptr<const GrammarVocabulary>> make(const Vocabulary& vocabulary);

    // Takes milliseconds, for hostile texts about a second; bounded in memory too. Errors:
    // invalid_request with what is wrong with the grammar, or that it is too large.
    Result<std::unique_ptr<TokenConstraint>> constrain(const GrammarSpec& spec) const;

private:
    struct Free {
        void operator()(rbee_vocabulary* made) const;
    };
    using Made = std::unique_ptr<rbee_vocabulary, Free>;

    GrammarVocabulary(Made made, std::uint32_t size) : made_(std::move(made)), size_(size) {}

    Made made_;
    std::uint32_t size_;
};

}  // namespace llm
