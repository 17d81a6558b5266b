#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace llm {

// A function that the model may call.
struct Tool {
    std::string name;
    std::string description = {};
    // The JSON schema of its arguments, which are an object; any object where there is none.
    std::optional<boost::json::object> parameters = std::nullopt;
};

}  // namespace llm
