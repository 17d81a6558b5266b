#pragma once

#include "worker/base/result.h"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Null or nothing where the key is missing, or its value is of another kind.
const boost::json::object* object_at(const boost::json::object& from, std::string_view key);
const boost::json::array* array_at(const boost::json::object& from, std::string_view key);
std::optional<std::string_view> text_at(const boost::json::object& from, std::string_view key);
std::optional<std::int64_t> integer_at(const boost::json::object& from, std::string_view key);
bool flag_at(const boost::json::object& from, std::string_view key, bool missing = false);

// The greatest integer of 64 bits for those beyond: no field has a use for them.
std::optional<std::int64_t> integer_of(const boost::json::value& value);

// Errors of a file of a model, with the remedy.
Error corrupt_file(std::string_view file, std::string_view what);
Error unsupported_model(std::string_view file, std::string_view what);

// The fields of one object in a JSON file. A null is a field that is missing. The first failure
// sticks; what is read after it is harmless.
class JsonFields {
public:
    // `file`: fit for one line.
    JsonFields(std::string file, const boost::json::object& object)
        : file_(std::move(file)), object_(object) {}

    bool has(std::string_view key) const;

    // 1 to 2^24 - 1: products of two such numbers stay far below 2^63.
    std::uint32_t count(std::string_view key, std::optional<std::uint32_t> missing = {});
    // 1 to 2^31 - 1.
    std::uint32_t length(std::string_view key, std::optional<std::uint32_t> missing = {});
    // Above 0, within a float's range.
    double number(std::string_view key, std::optional<double> missing = {});
    bool flag(std::string_view key, bool missing);
    std::string text(std::string_view key, std::string_view missing);
    // `size` of them, of the same range.
    std::vector<float> numbers(std::string_view key, std::size_t size);

    const std::string& file() const { return file_; }
    const boost::json::object& object() const { return object_; }

    // `what` goes on behind the key's name.
    void corrupt(std::string_view key, std::string_view what);
    void unsupported(std::string_view what);
    void fail(Error error);
    const std::optional<Error>& error() const { return error_; }

private:
    std::uint32_t whole(std::string_view key, std::optional<std::uint32_t> missing,
                        std::int64_t most);

    const std::string file_;
    const boost::json::object& object_;
    std::optional<Error> error_;
};

}  // namespace worker
