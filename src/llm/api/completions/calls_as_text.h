#pragma once

#include <boost/json/array.hpp>

namespace llm {

// A conversation for templates that know no calls, where a model is told of its tools by
// generic_tool_instructions(). Such templates know no role `tool` either, and some add a text to a
// content that is null. So calls become the texts that the instructions ask for, and the results of
// one turn a message of the user.
// Requires: messages as parse_chat_request() gives them, and calls with parsed arguments.
boost::json::array calls_as_text(const boost::json::array& messages);

}  // namespace llm
