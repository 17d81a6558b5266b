#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace worker {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };
enum class LogFormat : std::uint8_t { text, json };

// One fact of a line: `{"path", path}`, `{"port", 8080}`.
struct LogField {
    LogField(std::string_view name, std::string_view text) : key(name), value(text) {}

    template <class Number>
        requires std::is_arithmetic_v<Number>
    LogField(std::string_view name, Number number)
        : key(name),
          value(fmt::format("{}", number)),
          is_text(!std::isfinite(static_cast<double>(number))) {}

    std::string_view key;
    std::string value;
    bool is_text = true;  // else a JSON number, true or false
};

// Lines to stderr, as text for people or as JSON for collectors. A pipe that nobody reads, or one
// that is closed, never blocks and never ends the process: such lines are dropped and counted, and
// the count goes out before the next line that fits. A line is at most PIPE_BUF bytes; of a longer
// one the longest values are cut. Thread: any.
class Log {
public:
    Log(LogFormat format, LogLevel level);
    // To a descriptor other than stderr, which stays the caller's.
    Log(LogFormat format, LogLevel level, int descriptor);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void write(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields = {});
    void write(LogLevel level, std::string_view message, std::span<const LogField> fields);

    void set_level(LogLevel level);
    std::uint64_t lines_dropped() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace worker
