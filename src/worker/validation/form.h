#pragma once

#include "worker/validation/violation.h"

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace worker {

// What a JSON value has to be, as data. Each limit knows its constraint string and its message;
// every limit that a value breaks is one violation.

struct Boolean {};

// Whether 5.0 counts as 5, as it does in languages that have one kind of number.
enum class WholeFractions : std::uint8_t { refused, accepted };

// A JSON number without fraction or exponent. Both ends are accepted.
struct Integer {
    std::int64_t min = std::numeric_limits<std::int64_t>::min();
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    WholeFractions whole_fractions = WholeFractions::refused;
};

// Any JSON number. Both ends are accepted.
struct Number {
    double min = std::numeric_limits<double>::lowest();
    double max = std::numeric_limits<double>::max();
};

struct Text {
    bool non_empty = false;
    std::optional<std::size_t> characters_max = std::nullopt;  // code points, at least one
    std::optional<std::size_t> bytes_max = std::nullopt;
    // ASCII characters and ranges as between a regular expression's brackets, '-' last to mean
    // itself. Empty: any character.
    std::string_view alphabet = "";
    std::vector<std::string_view> words = {};  // the texts that are accepted; empty: any
};

// Whether one text counts as a list of it.
enum class LoneText : std::uint8_t { refused, accepted };

// An array of texts.
struct TextList {
    std::size_t count_max = std::numeric_limits<std::size_t>::max();
    std::string_view noun = "items";      // "… must have at most 4 <noun>"
    std::string_view item_noun = "item";  // "<item_noun> 0 must not be empty"
    Text item = {};
    bool non_empty = false;
    LoneText lone_text = LoneText::refused;
};

// An array of integers.
struct IntegerList {
    std::size_t count_max = std::numeric_limits<std::size_t>::max();
    std::string_view noun = "items";
    std::string_view item_noun = "item";
    Integer item = {};
};

// An object whose keys are integers in decimal: {"50256": -100}.
struct NumberMap {
    std::size_t count_max = std::numeric_limits<std::size_t>::max();
    std::string_view noun = "entries";
    std::string_view key_noun = "key";
    Integer key = {};
    Number value = {};
};

// An object, an array or any value, for a reader of its own.
struct Object {};
struct List {
    bool non_empty = false;
};
struct Anything {};

using Form = std::variant<Boolean, Integer, Number, Text, TextList, IntegerList, NumberMap, Object,
                          List, Anything>;

// Appends every way in which `value` differs from `form`, in the order of the form's members.
// True: there is none.
bool check(const boost::json::value& value, const Form& form, std::string_view field,
           Violations& violations);

}  // namespace worker
