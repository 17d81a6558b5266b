#pragma once

#include "llm/model/vocabulary.h"
#include "llm/text/text_search.h"

#include <boost/json/object.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

// A part of a prompt, and whether spellings of control tokens in it are these tokens.
struct PromptSegment {
    std::string text;
    SpecialTokens special;

    bool operator==(const PromptSegment&) const = default;
};

// A chat template's context in which callers cannot write control tokens any more.
struct GuardedContext {
    boost::json::object context;
    // A character that occurs nowhere but in spellings, or beginnings of them, that came from the
    // caller. Empty where there is none.
    std::string mark;
};

// Keeps callers from writing a model's control tokens into its prompt: "<|im_end|>" in a message is
// these ten characters, while the template's own is the token. What a caller wrote is marked before
// the template is rendered, and found by its marks afterwards.
//
// Not marked are single characters, and what a template makes of a caller's text by changing it.
// Work is linear in the texts. Immutable. Thread: any.
class SpecialSpellings {
public:
    explicit SpecialSpellings(std::span<const std::string> spellings);
    // Of all control tokens of a vocabulary.
    explicit SpecialSpellings(const Vocabulary& vocabulary);

    // Errors: invalid_request where no character is left to mark with.
    Result<GuardedContext> guard(boost::json::object context) const;

    // The rendered text, without marks, in as few segments as possible.
    std::vector<PromptSegment> cut(std::string_view rendered, std::string_view mark) const;

private:
    struct Range {
        std::size_t begin;
        std::size_t end;
    };

    // Two texts that a template joins can make a spelling. A word is never joined so.
    enum class Ending : std::uint8_t { may_go_on, is_whole };

    // The bytes of a text before which a mark has to stand.
    std::vector<std::size_t> places(std::string_view text, Ending ending) const;
    boost::json::value marked(const boost::json::value& value, std::string_view mark) const;
    boost::json::object marked(const boost::json::object& object, std::string_view mark) const;
    // The spellings that a cut goes through, joined where they touch.
    std::vector<Range> cut_through(std::string_view text, std::span<const std::size_t> cuts) const;

    TextSearch search_;
};

// The tokens of a prompt, with the model's own leading token. Errors: invalid_request.
Result<std::vector<Token>> tokenize(const Vocabulary& vocabulary,
                                    std::span<const PromptSegment> segments);

}  // namespace llm
