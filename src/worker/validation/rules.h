// Requests as tables. One row a field says its JSON name, where it goes in the C++ struct, whether
// it must be there, and what it accepts; the default of an absent field is the struct's own. The
// same row checks a body and fills the struct, so that the two cannot drift.
//
//     Rules<ResizeRequest> rules = {
//         required_field("image", &ResizeRequest::image, {.non_empty = true}),
//         optional_field("width", &ResizeRequest::width, {.min = 1, .max = 4096}),
//     };
#pragma once

#include "worker/base/assert.h"
#include "worker/validation/form.h"
#include "worker/validation/violation.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace worker {

enum class Presence : std::uint8_t { optional, required };

// What a row asks of a body.
struct FieldRule {
    std::string_view name;
    Presence presence;
    Form form;
};

template <class Request>
struct Field {
    FieldRule rule;
    // Requires: the value passed the rule.
    std::function<void(Request&, const boost::json::value&)> store;
};

// In the order in which violations are told.
template <class Request>
using Rules = std::vector<Field<Request>>;

// An Integer that cannot accept more than its member holds.
template <std::integral Int>
struct IntegerOf {
    Int min = std::numeric_limits<Int>::min();
    Int max = std::numeric_limits<Int>::max();
    WholeFractions whole_fractions = WholeFractions::refused;
};

// The form that a member of this type is described by.
template <class Member>
struct FormOf;
template <>
struct FormOf<bool> : std::type_identity<Boolean> {};
template <std::integral Int>
struct FormOf<Int> : std::type_identity<IntegerOf<Int>> {};
template <>
struct FormOf<double> : std::type_identity<Number> {};
template <>
struct FormOf<std::string> : std::type_identity<Text> {};
template <>
struct FormOf<std::vector<std::string>> : std::type_identity<TextList> {};
template <std::integral Int>
struct FormOf<std::vector<Int>> : std::type_identity<IntegerList> {};
template <>
struct FormOf<std::map<std::int64_t, double>> : std::type_identity<NumberMap> {};
// What a reader of its own looks into, while the body lives.
template <>
struct FormOf<const boost::json::object*> : std::type_identity<Object> {};
template <>
struct FormOf<const boost::json::array*> : std::type_identity<List> {};
template <>
struct FormOf<const boost::json::value*> : std::type_identity<Anything> {};
template <class Member>
struct FormOf<std::optional<Member>> : FormOf<Member> {};

template <class Same>
Form to_form(Same form) {
    return form;
}
template <std::integral Int>
Form to_form(IntegerOf<Int> form) {
    WORKER_ASSERT(std::in_range<std::int64_t>(form.min) && std::in_range<std::uint64_t>(form.max));
    return Integer{.min = static_cast<std::int64_t>(form.min),
                   .max = static_cast<std::uint64_t>(form.max),
                   .whole_fractions = form.whole_fractions};
}

// Copies a value that has the member's form.
inline void store(const boost::json::value& value, bool& member) {
    member = value.get_bool();
}
template <std::integral Int>
void store(const boost::json::value& value, Int& member) {
    if (value.is_double()) {
        member = static_cast<Int>(value.get_double());
        return;
    }
    member = value.is_uint64() ? static_cast<Int>(value.get_uint64())
                               : static_cast<Int>(value.get_int64());
}
inline void store(const boost::json::value& value, double& member) {
    member = value.to_number<double>();
}
inline void store(const boost::json::value& value, std::string& member) {
    member = std::string_view(value.get_string());
}
inline void store(const boost::json::value& value, std::vector<std::string>& member) {
    if (value.is_string()) return store(value, member.emplace_back());
    for (const boost::json::value& item : value.get_array()) store(item, member.emplace_back());
}
template <std::integral Int>
void store(const boost::json::value& value, std::vector<Int>& member) {
    for (const boost::json::value& item : value.get_array()) store(item, member.emplace_back());
}
inline void store(const boost::json::value& value, std::map<std::int64_t, double>& member) {
    for (const auto& [key, number] : value.get_object())
        store(number, member[std::stoll(std::string(key))]);
}
inline void store(const boost::json::value& value, const boost::json::object*& member) {
    member = &value.get_object();
}
inline void store(const boost::json::value& value, const boost::json::array*& member) {
    member = &value.get_array();
}
inline void store(const boost::json::value& value, const boost::json::value*& member) {
    member = &value;
}
template <class Member>
void store(const boost::json::value& value, std::optional<Member>& member) {
    store(value, member.emplace());
}

template <class Request, class Member>
Field<Request> make_field(Presence presence, std::string_view name, Member Request::* member,
                          typename FormOf<Member>::type form) {
    return {.rule = {.name = name, .presence = presence, .form = to_form(form)},
            .store = [member](Request& request, const boost::json::value& value) {
                store(value, request.*member);
            }};
}

// A row; `name` outlives the table.
template <class Request, class Member>
Field<Request> required_field(std::string_view name, Member Request::* member,
                              typename FormOf<Member>::type form = {}) {
    return make_field(Presence::required, name, member, form);
}

template <class Request, class Member>
Field<Request> optional_field(std::string_view name, Member Request::* member,
                              typename FormOf<Member>::type form = {}) {
    return make_field(Presence::optional, name, member, form);
}

// The field's value where it is there and passes; otherwise null, and what is wrong is appended.
// A JSON null counts as absent. `path`: of an object inside the body, up to the field's name
// ("tools[0].").
const boost::json::value* accepted_value(const boost::json::object& body, const FieldRule& rule,
                                         Violations& violations, std::string_view path = "");

// What is wrong with a body that is not an object.
Violation not_an_object();

// One pass over the rules: a request that keeps all of them, or every violation. Fields without a
// rule are ignored. Thread: any.
template <class Request>
tl::expected<Request, Violations> parse_request(const boost::json::value& body,
                                                const Rules<Request>& rules) {
    const boost::json::object* object = body.if_object();
    if (!object) return tl::make_unexpected(Violations{not_an_object()});
    Request request;
    Violations violations;
    for (const Field<Request>& field : rules) {
        const boost::json::value* value = accepted_value(*object, field.rule, violations);
        if (value) field.store(request, *value);
    }
    if (!violations.empty()) return tl::make_unexpected(std::move(violations));
    return request;
}

}  // namespace worker
