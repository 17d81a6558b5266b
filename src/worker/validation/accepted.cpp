#include "worker/validation/accepted.h"

#include <fmt/format.h>

#include <cstddef>
#include <limits>

namespace worker {
namespace {

constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

// " of 1..256 bytes": what all texts of a form have.
std::string text_limits(const Text& form) {
    std::string limits;
    const std::size_t least = form.non_empty ? 1 : 0;
    if (form.characters_max) limits = fmt::format(" of 1..{} characters", *form.characters_max);
    if (form.bytes_max) limits += fmt::format(" of {}..{} bytes", least, *form.bytes_max);
    if (form.non_empty && limits.empty()) limits = ", not empty";
    if (!form.alphabet.empty()) limits += fmt::format(", of the characters [{}]", form.alphabet);
    return limits;
}

std::string texts(const Text& form) {
    if (form.words.empty()) return "texts" + text_limits(form);
    return fmt::format("of {}", fmt::join(form.words, ", "));
}

std::string count_of(std::size_t max, std::string_view noun) {
    return max == unlimited ? fmt::format("{}", noun) : fmt::format("up to {} {}", max, noun);
}

struct Describer {
    std::string operator()(const Boolean&) const { return "true or false"; }
    std::string operator()(const Integer& form) const {
        return fmt::format("{}..{}", form.min, form.max);
    }
    std::string operator()(const Number& form) const {
        return fmt::format("{}..{}", form.min, form.max);
    }
    std::string operator()(const Text& form) const {
        if (!form.words.empty()) return fmt::format("{}", fmt::join(form.words, ", "));
        return "a text" + text_limits(form);
    }
    std::string operator()(const TextList& form) const {
        const std::string list = count_of(form.count_max, texts(form.item));
        return form.lone_text == LoneText::accepted ? "a text or " + list : "a list: " + list;
    }
    std::string operator()(const IntegerList& form) const {
        return "a list: " + count_of(form.count_max, form.noun) + " of " + (*this)(form.item);
    }
    std::string operator()(const NumberMap& form) const {
        return fmt::format("an object: {}, {} {} to a number {}",
                           count_of(form.count_max, form.noun), form.key_noun, (*this)(form.key),
                           (*this)(form.value));
    }
    std::string operator()(const Object&) const { return "an object"; }
    std::string operator()(const List& form) const {
        return form.non_empty ? "a list, not empty" : "a list";
    }
    std::string operator()(const Anything&) const { return "any value"; }
};

}  // namespace

std::string accepted_text(const Form& form) {
    return std::visit(Describer{}, form);
}

}  // namespace worker
