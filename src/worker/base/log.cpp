#include "worker/base/log.h"

#include "worker/base/json.h"
#include "worker/base/utf8.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <vector>

namespace worker {
namespace {

constexpr std::size_t line_bytes_max = PIPE_BUF;
// For the time, which spdlog puts before what is rendered here, and for the line's end.
constexpr std::size_t frame_bytes_max = 48;
constexpr std::string_view cut_mark = "…";
constexpr std::array<std::string_view, 6> level_words{"trace", "debug", "info",
                                                      "warn",  "error", "off"};

std::string_view word(LogLevel level) {
    return level_words[static_cast<std::size_t>(level)];
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::trace: return spdlog::level::trace;
        case LogLevel::debug: return spdlog::level::debug;
        case LogLevel::info: return spdlog::level::info;
        case LogLevel::warn: return spdlog::level::warn;
        case LogLevel::error: return spdlog::level::err;
        case LogLevel::off: return spdlog::level::off;
    }
    __builtin_unreachable();
}

// True for characters that JSON lets pass and that a terminal or a viewer takes for a command or
// the end of a line: DEL, U+0080..U+009F, U+2028, U+2029.
bool is_line_breaker(std::string_view character) {
    return character == "\x7f" || character == "\u2028" || character == "\u2029" ||
           (character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0);
}

std::string to_one_line(std::string_view text) {
    const std::string valid = to_utf8(text);
    std::string clean;
    clean.reserve(valid.size());
    for (std::string_view rest = valid; !rest.empty();) {
        const std::string_view character = rest.substr(0, utf8_length(rest));
        clean += is_line_breaker(character) ? std::string_view("\ufffd") : character;
        rest.remove_prefix(character.size());
    }
    return clean;
}

// A line before it is cut and put into a format.
struct Line {
    LogLevel level;
    std::string message;
    std::vector<LogField> fields;
};

void append_unquoted(std::string& out, std::string_view text) {
    std::string quoted;
    append_json_string(quoted, text);
    out.append(quoted, 1, quoted.size() - 2);
}

// info  model loaded path=/m.gguf name="a b"
std::string as_text(const Line& line) {
    std::string out = fmt::format("{:<5} ", word(line.level));
    append_unquoted(out, line.message);
    for (const LogField& field : line.fields) {
        out += ' ';
        append_unquoted(out, field.key);
        out += '=';
        const bool plain =
            !field.value.empty() &&
            std::none_of(field.value.begin(), field.value.end(), [](char c) {
                return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == '=';
            });
        if (plain) {
            out += field.value;
        } else {
            append_json_string(out, field.value);
        }
    }
    return out;
}

// "level":"info","message":"model loaded","path":"/m.gguf"
std::string as_json_members(const Line& line) {
    std::string out = fmt::format(R"("level":"{}","message":)", word(line.level));
    append_json_string(out, line.message);
    for (const LogField& field : line.fields) {
        out += ',';
        append_json_string(out, field.key);
        out += ':';
        if (field.is_text) {
            append_json_string(out, field.value);
        } else {
            out += field.value;
        }
    }
    return out;
}

std::string render(LogFormat format, const Line& line) {
    return format == LogFormat::json ? as_json_members(line) : as_text(line);
}

// Takes at least `bytes` from the longest text of the line. False when there is nothing to take.
bool shorten(Line& line, std::size_t bytes) {
    std::string* longest = &line.message;
    for (LogField& field : line.fields) {
        if (field.is_text && field.value.size() > longest->size()) longest = &field.value;
    }
    if (longest->size() <= cut_mark.size()) return false;
    const std::size_t taken = std::min(longest->size(), bytes + cut_mark.size());
    *longest = std::string(first_bytes(*longest, longest->size() - taken)) + std::string(cut_mark);
    return true;
}

std::string render_within_limit(LogFormat format, Line line) {
    constexpr std::size_t limit = line_bytes_max - frame_bytes_max;
    for (;;) {
        std::string rendered = render(format, line);
        if (rendered.size() <= limit || !shorten(line, rendered.size() - limit)) return rendered;
    }
}

// Writes a line with one write(2) of at most PIPE_BUF bytes, and only when that can neither wait
// nor raise SIGPIPE: a pipe is writable when it has room for PIPE_BUF bytes. The descriptor's
// O_NONBLOCK would do as well, but it is shared with the processes that inherited it.
class NonWaitingSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    NonWaitingSink(LogFormat format, int descriptor) : format_(format), descriptor_(descriptor) {}

    std::uint64_t lines_dropped() const { return lines_dropped_; }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (lines_unreported_ > 0 && !report_drops(message)) return count_drop();
        if (!put(message)) count_drop();
    }
    void flush_() override {}

    void count_drop() {
        ++lines_unreported_;
        ++lines_dropped_;
    }

    bool report_drops(const spdlog::details::log_msg& next) {
        const std::string rendered = render(
            format_, {LogLevel::warn, "log lines were dropped", {{"lines", lines_unreported_}}});
        if (!put({next.time, {}, "", spdlog::level::warn, rendered})) return false;
        lines_unreported_ = 0;
        return true;
    }

    bool put(const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        if (line.size() > line_bytes_max) return false;
        pollfd ready{.fd = descriptor_, .events = POLLOUT, .revents = 0};
        if (poll(&ready, 1, 0) != 1 || ready.revents != POLLOUT) return false;
        return ::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    }

    const LogFormat format_;
    const int descriptor_;
    std::uint64_t lines_unreported_ = 0;
    std::atomic<std::uint64_t> lines_dropped_ = 0;
};

std::unique_ptr<spdlog::formatter> time_formatter(LogFormat format) {
    if (format == LogFormat::json) {
        return std::make_unique<spdlog::pattern_formatter>(R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})",
                                                           spdlog::pattern_time_type::utc);
    }
    return std::make_unique<spdlog::pattern_formatter>("%H:%M:%S.%e %v");
}

}  // namespace

struct Log::State {
    State(LogFormat line_format, LogLevel level, int descriptor)
        : format(line_format),
          sink(std::make_shared<NonWaitingSink>(line_format, descriptor)),
          logger("", sink) {
        sink->set_formatter(time_formatter(line_format));
        logger.set_level(to_spdlog(level));
        // spdlog's own handler would print to stderr, and wait there.
        logger.set_error_handler([](const std::string&) {});
    }

    const LogFormat format;
    const std::shared_ptr<NonWaitingSink> sink;
    spdlog::logger logger;
};

Log::Log(LogFormat format, LogLevel level) : Log(format, level, STDERR_FILENO) {}

Log::Log(LogFormat format, LogLevel level, int descriptor)
    : state_(std::make_unique<State>(format, level, descriptor)) {}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    write(level, message, std::span(fields.begin(), fields.size()));
}

void Log::write(LogLevel level, std::string_view message, std::span<const LogField> fields) {
    const auto spdlog_level = to_spdlog(level);
    if (!state_->logger.should_log(spdlog_level)) return;
    Line line{level, to_one_line(message), {fields.begin(), fields.end()}};
    for (LogField& field : line.fields) field.value = to_one_line(field.value);
    state_->logger.log(spdlog_level, render_within_limit(state_->format, std::move(line)));
}

void Log::set_level(LogLevel level) {
    state_->logger.set_level(to_spdlog(level));
}

std::uint64_t Log::lines_dropped() const {
    return state_->sink->lines_dropped();
}

}  // namespace worker
