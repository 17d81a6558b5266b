#include "llm/text/special_spellings.h"

#include "worker/base/utf8.h"

#include <bitset>
#include <utility>

namespace llm {

using worker::ErrorCode;
using worker::fail;

namespace {

// U+E000 to U+F8FF stand for nothing of their own.
constexpr std::uint32_t private_first = 0xE000;
constexpr std::uint32_t private_count = 0xF900 - private_first;
using PrivateCharacters = std::bitset<private_count>;

std::string private_character(std::uint32_t index) {
    const std::uint32_t code = private_first + index;
    return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
}

void note_private(std::string_view text, PrivateCharacters& used) {
    for (std::size_t i = 0; i + 2 < text.size(); ++i) {
        const auto byte = [&](std::size_t offset) -> std::uint32_t {
            return static_cast<unsigned char>(text[i + offset]);
        };
        if (byte(0) != 0xEE && byte(0) != 0xEF) continue;
        const std::uint32_t code =
            (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
        if (code >= private_first && code - private_first < private_count) {
            used.set(code - private_first);
        }
    }
}

// Calls `visitor` with each text in a value, names of members among them, until it says true.
template <class Visitor>
bool any_text(const boost::json::value& value, const Visitor& visitor) {
    if (const auto* text = value.if_string()) return visitor(std::string_view(*text));
    if (const auto* items = value.if_array()) {
        for (const boost::json::value& item : *items) {
            if (any_text(item, visitor)) return true;
        }
    }
    if (const auto* object = value.if_object()) {
        for (const auto& [name, member] : *object) {
            if (visitor(std::string_view(name)) || any_text(member, visitor)) return true;
        }
    }
    return false;
}

std::size_t last_character_bytes(std::string_view text) {
    std::size_t bytes = 1;
    while (bytes < text.size() && bytes < 4 && (text[text.size() - bytes] & 0xC0) == 0x80) {
        ++bytes;
    }
    return bytes;
}

std::vector<std::string> that_can_be_cut(std::span<const std::string> spellings) {
    std::vector<std::string> kept;
    for (const std::string& spelling : spellings) {
        if (spelling.size() > last_character_bytes(spelling)) kept.push_back(spelling);
    }
    return kept;
}

std::vector<std::string> control_tokens(const Vocabulary& vocabulary) {
    std::vector<std::string> spellings;
    for (std::uint32_t i = 0; i < vocabulary.size(); ++i) {
        const auto token = static_cast<Token>(i);
        if (vocabulary.piece(token).empty()) spellings.emplace_back(vocabulary.spelling(token));
    }
    return spellings;
}

std::string with_marks(std::string_view text, std::span<const std::size_t> places,
                       std::string_view mark) {
    std::string out;
    out.reserve(text.size() + places.size() * mark.size());
    std::size_t begin = 0;
    for (const std::size_t place : places) {
        out += text.substr(begin, place - begin);
        out += mark;
        begin = place;
    }
    return out += text.substr(begin);
}

struct Unmarked {
    std::string text;
    std::vector<std::size_t> cuts;  // where marks stood, in bytes of the text
};

Unmarked without_marks(std::string_view rendered, std::string_view mark) {
    Unmarked unmarked;
    unmarked.text.reserve(rendered.size());
    for (std::size_t begin = 0;;) {
        const std::size_t at = mark.empty() ? rendered.npos : rendered.find(mark, begin);
        unmarked.text += rendered.substr(begin, at - begin);
        if (at == rendered.npos) return unmarked;
        unmarked.cuts.push_back(unmarked.text.size());
        begin = at + mark.size();
    }
}

}  // namespace

SpecialSpellings::SpecialSpellings(std::span<const std::string> spellings)
    : search_(that_can_be_cut(spellings)) {}

SpecialSpellings::SpecialSpellings(const Vocabulary& vocabulary)
    : SpecialSpellings(control_tokens(vocabulary)) {}

std::vector<std::size_t> SpecialSpellings::places(std::string_view text, Ending ending) const {
    std::vector<std::size_t> places;
    TextSearch::Pass pass(search_);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (pass.advance(text[i]) == 0) continue;
        // Before its last character a mark stands in all the spellings that end here.
        places.push_back(i + 1 - last_character_bytes(text.substr(0, i + 1)));
    }
    if (ending == Ending::may_go_on && pass.is_within()) places.push_back(text.size());
    return places;
}

Result<GuardedContext> SpecialSpellings::guard(boost::json::object context) const {
    boost::json::value value(std::move(context));
    const bool is_marked = any_text(
        value, [&](std::string_view text) { return !places(text, Ending::may_go_on).empty(); });
    if (!is_marked) return GuardedContext{.context = std::move(value.get_object()), .mark = {}};

    PrivateCharacters used;
    any_text(value, [&](std::string_view text) {
        note_private(text, used);
        return false;
    });
    for (std::uint32_t index = 0; index < private_count; ++index) {
        if (used.test(index)) continue;
        std::string mark = private_character(index);
        return GuardedContext{.context = marked(value.get_object(), mark), .mark = std::move(mark)};
    }
    return fail(ErrorCode::invalid_request, "the texts use every private-use character there is");
}

boost::json::value SpecialSpellings::marked(const boost::json::value& value,
                                            std::string_view mark) const {
    if (const auto* text = value.if_string()) {
        return boost::json::string(with_marks(*text, places(*text, Ending::may_go_on), mark));
    }
    if (const auto* object = value.if_object()) return marked(*object, mark);
    const auto* items = value.if_array();
    if (items == nullptr) return value;
    boost::json::array all;
    all.reserve(items->size());
    for (const boost::json::value& item : *items) all.push_back(marked(item, mark));
    return all;
}

boost::json::object SpecialSpellings::marked(const boost::json::object& object,
                                             std::string_view mark) const {
    boost::json::object all;
    all.reserve(object.size());
    for (const auto& [name, member] : object) {
        const std::string new_name = with_marks(name, places(name, Ending::is_whole), mark);
        // Templates compare these with words of their own, and write the role into tokens.
        const boost::json::string* word = member.if_string();
        if (word != nullptr && (name == "role" || name == "type")) {
            all[new_name] = with_marks(*word, places(*word, Ending::is_whole), mark);
        } else {
            all[new_name] = marked(member, mark);
        }
    }
    return all;
}

std::vector<SpecialSpellings::Range> SpecialSpellings::cut_through(
    std::string_view text, std::span<const std::size_t> cuts) const {
    std::vector<Range> ranges;
    TextSearch::Pass pass(search_);
    std::size_t passed = 0;  // cuts before the end of the spelling
    for (std::size_t i = 0; i < text.size() && !cuts.empty(); ++i) {
        while (passed < cuts.size() && cuts[passed] <= i) ++passed;
        const std::size_t bytes = pass.advance(text[i]);
        std::size_t begin = i + 1 - bytes;
        if (bytes == 0 || passed == 0 || cuts[passed - 1] <= begin) continue;
        while (!ranges.empty() && ranges.back().end >= begin) {
            begin = std::min(begin, ranges.back().begin);
            ranges.pop_back();
        }
        ranges.push_back({begin, i + 1});
    }
    return ranges;
}

std::vector<PromptSegment> SpecialSpellings::cut(std::string_view rendered,
                                                 std::string_view mark) const {
    const Unmarked unmarked = without_marks(rendered, mark);
    std::vector<PromptSegment> segments;
    std::size_t done = 0;
    const auto add = [&](std::size_t end, SpecialTokens special) {
        if (end > done) segments.push_back({unmarked.text.substr(done, end - done), special});
        done = end;
    };
    for (const Range& range : cut_through(unmarked.text, unmarked.cuts)) {
        add(range.begin, SpecialTokens::parsed);
        add(range.end, SpecialTokens::as_text);
    }
    add(unmarked.text.size(), SpecialTokens::parsed);
    return segments;
}

Result<std::vector<Token>> tokenize(const Vocabulary& vocabulary,
                                    std::span<const PromptSegment> segments) {
    std::vector<Token> tokens;
    LeadingToken leading = LeadingToken::as_model_wants;
    for (const PromptSegment& segment : segments) {
        const auto part = vocabulary.tokenize(segment.text, segment.special, leading);
        if (!part) return fail(part.error());
        tokens.insert(tokens.end(), part->begin(), part->end());
        leading = LeadingToken::none;
    }
    return tokens;
}

}  // namespace llm
