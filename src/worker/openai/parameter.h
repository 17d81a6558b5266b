// The parameters of OpenAI's routes as tables. One row says whether a parameter has an effect, what
// it accepts, where it goes, and what the documents say of it; so none of these can drift.
#pragma once

#include "worker/openai/ignored_parameters.h"
#include "worker/openai/openai_error.h"
#include "worker/validation/rules.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

enum class Support : std::uint8_t {
    supported,
    reported,  // accepted, without effect, and the reply says so
    refused,
};

// What is said about a parameter.
struct Parameter {
    std::string_view name;
    Support support;
    Presence presence;
    std::string accepted;  // of a supported one: "0..2"
    std::string note;      // its meaning; why it has none; or what to use instead
};

// `Draft` is what a body is read into before what its fields mean together is checked.
template <class Draft>
struct Row {
    Parameter parameter;
    Field<Draft> field;
};

// In the order in which objections are told.
template <class Draft>
using Rows = std::vector<Row<Draft>>;

// What a row says beside its form.
struct Wording {
    std::string_view note = "";
    std::string_view limit = "";  // what sets the limit, where it is not the same for all workers
    std::string_view accepted = "";  // where a reader of its own decides that
    Presence presence = Presence::optional;
};

// A supported row, with 5.0 accepted for 5 in it; `name` outlives the table.
Parameter supported_parameter(FieldRule& rule, const Wording& wording);

template <class Draft, class Owner, class Member>
Row<Draft> supported(std::string_view name, Member Owner::* member,
                     typename FormOf<Member>::type form = {}, const Wording& wording = {}) {
    FieldRule rule{name, wording.presence, to_form(form)};
    Parameter parameter = supported_parameter(rule, wording);
    return {.parameter = std::move(parameter),
            .field = {.rule = std::move(rule),
                      .store = [member](Draft& draft, const boost::json::value& value) {
                          store(value, draft.*member);
                      }}};
}

template <class Draft, class Owner, class Member>
Row<Draft> required(std::string_view name, Member Owner::* member,
                    typename FormOf<Member>::type form = {}, Wording wording = {}) {
    wording.presence = Presence::required;
    return supported<Draft>(name, member, form, wording);
}

template <class Draft>
Row<Draft> without_effect(std::string_view name, Support support, std::string_view note) {
    return {.parameter = {name, support, Presence::optional, "", std::string(note)},
            .field = {.rule = {name, Presence::optional, Anything{}},
                      .store = [](Draft&, const boost::json::value&) {}}};
}

template <class Draft>
Row<Draft> reported(std::string_view name, std::string_view reason) {
    return without_effect<Draft>(name, Support::reported, reason);
}

template <class Draft>
Row<Draft> refused(std::string_view name, std::string_view remedy) {
    return without_effect<Draft>(name, Support::refused, remedy);
}

// Rows of what drafts have in common.
template <class Draft, class Base>
void append(Rows<Draft>& rows, const Rows<Base>& shared) {
    for (const Row<Base>& row : shared)
        rows.push_back({row.parameter, {row.field.rule, row.field.store}});
}

// What the documents are made of.
template <class Draft>
std::vector<Parameter> parameters_of(const Rows<Draft>& rows) {
    std::vector<Parameter> parameters;
    for (const Row<Draft>& row : rows) parameters.push_back(row.parameter);
    return parameters;
}

// What becomes of keys that no row knows.
enum class UnknownKeys : std::uint8_t { reported, passed_on };

// Where an object stands in the body, and who hears of what is ignored in it.
struct BodyPlace {
    IgnoredParameters& ignored;
    std::string path = "";     // up to its members' names: "messages[0]."
    std::string told_as = "";  // the same for all of a list: "messages[]."
    UnknownKeys unknown_keys = UnknownKeys::reported;

    // Of an object in a member of this one.
    BodyPlace inside(std::string_view member) const;
    // Of an object in a list in a member of this one.
    BodyPlace item(std::string_view member, std::size_t index) const;
};

// The value to store; null where the parameter is absent or without effect here.
tl::expected<const boost::json::value*, OpenAiError> read_parameter(
    const boost::json::object& object, const Parameter& parameter, const FieldRule& rule,
    const BodyPlace& place);

// What a client hears of the first violation of a form.
OpenAiError objection(const Violations& violations, std::string_view accepted);

inline constexpr std::string_view unknown_here = "this worker does not know it";

// Fills the draft from one object. Errors: the first row's that objects.
template <class Draft>
Checked read_object(const boost::json::object& object, const Rows<Draft>& rows,
                    const BodyPlace& place, Draft& draft) {
    for (const Row<Draft>& row : rows) {
        const auto value = read_parameter(object, row.parameter, row.field.rule, place);
        if (!value) return tl::make_unexpected(value.error());
        if (*value) row.field.store(draft, **value);
    }
    if (place.unknown_keys == UnknownKeys::passed_on) return {};
    for (const auto& [key, value] : object) {
        const std::string_view name = key;
        const bool known = std::ranges::any_of(
            rows, [&](const Row<Draft>& row) { return row.parameter.name == name; });
        if (!known && !value.is_null())
            place.ignored.add(std::string(place.told_as).append(name), unknown_here);
    }
    return {};
}

}  // namespace worker
