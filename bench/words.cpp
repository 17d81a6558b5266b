#include "bench/words.h"

#include <array>
#include <string_view>

namespace bench {

namespace {

constexpr std::array<std::string_view, 96> known = {
    "about",  "after",    "again",  "air",     "all",    "animal",    "answer", "back",  "before",
    "best",   "between",  "big",    "book",    "both",   "boy",       "build",  "call",  "can",
    "change", "city",     "close",  "country", "day",    "different", "door",   "down",  "earth",
    "end",    "even",     "every",  "eye",     "family", "farm",      "father", "few",   "find",
    "food",   "friend",   "girl",   "good",    "great",  "grow",      "hand",   "head",  "help",
    "high",   "home",     "house",  "idea",    "keep",   "land",      "large",  "later", "learn",
    "letter", "life",     "light",  "line",    "little", "live",      "long",   "make",  "man",
    "mother", "mountain", "name",   "near",    "never",  "night",     "number", "old",   "open",
    "paper",  "part",     "people", "place",   "plant",  "play",      "point",  "read",  "river",
    "room",   "school",   "sea",    "small",   "sound",  "story",     "study",  "sun",   "thing",
    "tree",   "under",    "water",  "white",   "word",   "world"};

}  // namespace

std::string Words::text(std::uint32_t words) {
    std::string text;
    for (std::uint32_t i = 0; i < words; ++i) {
        if (i != 0) text += ' ';
        text += known[random_() % known.size()];
    }
    return text;
}

}  // namespace bench
