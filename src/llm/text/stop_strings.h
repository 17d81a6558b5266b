#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

// Watches a stream of text for stop strings. Nothing of a matched stop is ever given out, so text
// that may turn out to be the beginning of one is held back.
//
// The stop that is complete first wins; of those that end at the same byte, the longest. The
// outcome depends on the text only, not on how it was cut into pieces. Work is linear in the text
// and the number of stops, whatever the text is.
class StopStrings {
public:
    struct Output {
        std::string text;  // Safe to give out.
        // Which stop has matched: an index into what was handed in. The text is over.
        std::optional<std::size_t> matched;
    };

    // Requires: no stop is empty.
    explicit StopStrings(std::vector<std::string> stops);

    // Requires: whole UTF-8 characters; no stop has matched yet.
    Output push(std::string_view text);

    // The end of a text without a match: what was held back.
    std::string flush();

    const std::string& stop(std::size_t index) const { return searches_[index].stop; }

private:
    // One Knuth-Morris-Pratt search.
    struct Search {
        std::string stop;
        // [n]: how much of the stop's first n bytes is still matched when the next one is not.
        std::vector<std::size_t> fallback;
        std::size_t length = 0;  // The longest beginning of the stop that ends the text so far.

        explicit Search(std::string text);
        // True when the stop is complete.
        bool advance(char next);
    };

    std::vector<Search> searches_;
    std::string held_;
};

}  // namespace llm
