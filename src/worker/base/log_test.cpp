#include "worker/base/log.h"

#include "worker/base/json.h"
#include "worker/base/test_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <limits>
#include <thread>

namespace worker {
namespace {

// `text` with all digits alike.
std::string with_zeros(std::string text) {
    std::replace_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
    return text;
}

class LogTest : public testing::Test {
protected:
    // What goes out for one line.
    std::string line(LogFormat format, std::string_view message,
                     std::initializer_list<LogField> fields = {}) {
        Log(format, LogLevel::info, pipe.writing_end()).write(LogLevel::info, message, fields);
        return pipe.read_all();
    }

    void check_text(std::initializer_list<LogField> fields, const std::string& expected) {
        const std::string text = line(LogFormat::text, "says", fields);
        EXPECT_EQ(with_zeros(text.substr(0, 13)), "00:00:00.000 ");
        EXPECT_EQ(text.substr(13), "info  says" + expected + "\n");
    }

    void check_json(std::initializer_list<LogField> fields, const std::string& expected) {
        const std::string text = line(LogFormat::json, "says", fields);
        EXPECT_EQ(with_zeros(text.substr(0, 33)), R"({"ts":"0000-00-00T00:00:00.000Z",)");
        EXPECT_EQ(text.substr(33), R"("level":"info","message":"says")" + expected + "}\n");
    }

    void fill_pipe() {
        fcntl(pipe.writing_end(), F_SETFL, O_NONBLOCK);
        const std::string page(PIPE_BUF, 'x');
        while (write(pipe.writing_end(), page.data(), page.size()) > 0) continue;
        fcntl(pipe.writing_end(), F_SETFL, 0);
    }

    TestPipe pipe;
};

TEST_F(LogTest, text_lines_are_for_people) {
    check_text({}, "");
    check_text({{"path", "/m.gguf"}, {"port", 8080}}, " path=/m.gguf port=8080");
    check_text({{"name", "a b"}, {"none", ""}}, R"( name="a b" none="")");
    check_text({{"ok", true}, {"rate", 0.5}, {"d", -1}}, " ok=true rate=0.5 d=-1");
}

TEST_F(LogTest, json_lines_are_for_collectors) {
    check_json({}, "");
    check_json({{"path", "/m.gguf"}, {"port", 8080}}, R"(,"path":"/m.gguf","port":8080)");
    check_json({{"ok", true}, {"rate", 0.5}}, R"(,"ok":true,"rate":0.5)");
    check_json({{"rate", std::numeric_limits<double>::infinity()}}, R"(,"rate":"inf")");
}

TEST_F(LogTest, no_value_forges_a_line) {
    check_text({{"v", "a\n12:00:00.000 error fake"}}, R"( v="a\n12:00:00.000 error fake")");
    check_text({{"v", "x other=y"}}, R"( v="x other=y")");
    check_text({{"v", "\x1b[2J\r"}}, R"( v="\u001b[2J\r")");
    check_text({{"v", "a\u2028b\u0085c\x7f"}}, " v=a\ufffdb\ufffdc\ufffd");
    check_text({{"v", "\xff\xc0"}}, " v=\ufffd\ufffd");
    check_json({{"v", "a\"}\n{\""}}, R"(,"v":"a\"}\n{\"")");
    EXPECT_EQ(line(LogFormat::text, "two\nlines").substr(13), "info  two\\nlines\n");
}

TEST_F(LogTest, levels_below_the_threshold_are_silent) {
    Log log(LogFormat::text, LogLevel::warn, pipe.writing_end());
    log.write(LogLevel::info, "silent");
    log.write(LogLevel::error, "heard");
    log.set_level(LogLevel::off);
    log.write(LogLevel::error, "silent");
    EXPECT_EQ(pipe.read_all().substr(13), "error heard\n");
    EXPECT_EQ(log.lines_dropped(), 0);
}

TEST_F(LogTest, a_long_line_loses_the_end_of_its_longest_value) {
    const std::string longest(100'000, '\n');  // Twice as long when escaped.
    for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
        const std::string out = line(format, "says", {{"long", longest}, {"short", "kept"}});
        EXPECT_LE(out.size(), PIPE_BUF);
        EXPECT_NE(out.find("kept"), std::string::npos);
        EXPECT_NE(out.find("…"), std::string::npos);
    }
}

TEST_F(LogTest, a_line_that_is_cut_is_still_json) {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "ü\x01\"";
    const std::string out = line(LogFormat::json, text, {{"a", text}, {"b", text}});
    EXPECT_LE(out.size(), PIPE_BUF);
    EXPECT_TRUE(parse_json(out)) << out;
}

TEST_F(LogTest, a_full_pipe_drops_lines_and_says_later_how_many) {
    Log log(LogFormat::text, LogLevel::info, pipe.writing_end());
    fill_pipe();
    log.write(LogLevel::info, "lost");
    log.write(LogLevel::info, "lost");
    EXPECT_EQ(log.lines_dropped(), 2);
    pipe.read_all();
    log.write(LogLevel::info, "heard");
    const std::string out = pipe.read_all();
    EXPECT_NE(out.find("warn  log lines were dropped lines=2\n"), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with("info  heard\n")) << out;
    log.write(LogLevel::info, "again");
    EXPECT_EQ(pipe.read_all().substr(13), "info  again\n");
}

// Were the closed pipe written to, SIGPIPE would end the test.
TEST_F(LogTest, a_closed_pipe_only_counts) {
    Log log(LogFormat::json, LogLevel::info, pipe.writing_end());
    pipe.close_reading_end();
    log.write(LogLevel::error, "lost");
    EXPECT_EQ(log.lines_dropped(), 1);
}

TEST_F(LogTest, a_closed_descriptor_only_counts) {
    Log log(LogFormat::json, LogLevel::info, 1'000'000);
    log.write(LogLevel::error, "lost");
    EXPECT_EQ(log.lines_dropped(), 1);
}

TEST_F(LogTest, the_descriptor_keeps_its_flags) {
    const int flags = fcntl(pipe.writing_end(), F_GETFL);
    line(LogFormat::text, "says");
    EXPECT_EQ(fcntl(pipe.writing_end(), F_GETFL), flags);
}

TEST_F(LogTest, threads_do_not_mix_their_lines) {
    Log log(LogFormat::json, LogLevel::info, pipe.writing_end());
    const auto write_some = [&] {
        for (int i = 0; i < 100; ++i) log.write(LogLevel::info, "says", {{"i", i}});
    };
    std::thread other(write_some);
    write_some();
    other.join();
    const std::string all = pipe.read_all();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 200);
    for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = all.find('\n', begin);
        EXPECT_TRUE(parse_json(all.substr(begin, end - begin)));
        begin = end + 1;
    }
}

}  // namespace
}  // namespace worker
