#include "worker/app/process.h"

#include "worker/app/config_fixture.h"
#include "worker/app/flag_value.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace worker {
namespace {

// A modality of one flag; says what `serve` was given.
class ProcessTest : public testing::Test {
protected:
    struct Settings {
        std::uint32_t size = 1;
    };

    static Program program(Settings& settings) {
        return {
            .name = "some-worker",
            .version = "1.2.3",
            .summary = "Serves.",
            .flags = {
                {"Some",
                 {{.name = "some-size",
                   .value_word = "N",
                   .setting = sets(settings.size, number<std::uint32_t>({.min = 1, .max = 9}))}}}}};
    }

    // Runs the process in this one; returns its exit code.
    int run(const std::string& line, std::function<int(const Outside&)> serve = no_serving()) {
        std::vector<std::string> arguments = words_of(line);
        arguments.insert(arguments.begin(), "some-worker");
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int exit_code = run_process(
            arguments, environment_of({.variables = {{"HOME", "/nowhere"}}}),
            {.program = program(settings), .again = program(unread), .serve = std::move(serve)});
        out = testing::internal::GetCapturedStdout();
        err = testing::internal::GetCapturedStderr();
        return exit_code;
    }

    static std::function<int(const Outside&)> no_serving() {
        return [](const Outside&) -> int { throw std::logic_error("serves"); };
    }

    Settings settings;
    Settings unread;
    std::string out;
    std::string err;
};

TEST_F(ProcessTest, questions_are_answered_and_nothing_is_served) {
    EXPECT_EQ(run("--version"), 0);
    EXPECT_EQ(out, "some-worker 1.2.3\n");
    EXPECT_EQ(run("--help"), 0);
    EXPECT_NE(out.find("--some-size"), std::string::npos) << out;
    EXPECT_EQ(err, "");
}

TEST_F(ProcessTest, mistakes_are_one_line_and_an_exit_code) {
    EXPECT_EQ(run("--model m --some-size 10"), 2);
    EXPECT_EQ(err, "error: --some-size 10: must be a number from 1 to 9\n");
    EXPECT_EQ(run("--model m --hive-url http://hive"), 1);
    EXPECT_TRUE(err.starts_with("error: --hive-url")) << err;
    EXPECT_EQ(run("--model m"), 1);
    EXPECT_EQ(err.substr(err.find("error: ")), "error: serves\n");
}

TEST_F(ProcessTest, a_check_says_where_the_model_is_and_serves_nothing) {
    const SettingsFile model("GGUF");
    EXPECT_EQ(run("--check-config --model " + model.path()), 0);
    EXPECT_NE(out.find("some-size = 1"), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with("# The model's files:\n#   " + model.path() + "\n")) << out;
    EXPECT_EQ(run("--check-config --model nowhere"), 1);
    EXPECT_TRUE(err.starts_with("error: ")) << err;
}

TEST_F(ProcessTest, what_serves_gets_all_that_it_is_built_of) {
    EXPECT_EQ(run("--model m --some-size 3 --port 8081",
                  [this](const Outside& outside) {
                      EXPECT_EQ(outside.daemon.program, "some-worker");
                      EXPECT_EQ(outside.daemon.version, "1.2.3");
                      EXPECT_EQ(outside.daemon.config.port, 8081);
                      EXPECT_EQ(outside.places.home, "/nowhere");
                      EXPECT_EQ(settings.size, 3u);
                      return 7;
                  }),
              7);
    EXPECT_NE(err.find("\"actor\":\"some-worker\",\"action\":\"startup\""), std::string::npos)
        << err;
}

TEST_F(ProcessTest, settings_are_read_again_but_for_the_modalitys) {
    const SettingsFile tokens("first\n");
    run("--model m --some-size 3 --api-token-file " + tokens.path(), [&](const Outside& outside) {
        std::ofstream(tokens.path()) << "second\n";
        settings.size = 4;
        const auto again = outside.daemon.reload();
        EXPECT_TRUE(again);
        EXPECT_EQ(again->api_tokens, std::vector<std::string>{"second"});
        EXPECT_EQ(settings.size, 4u);
        EXPECT_EQ(unread.size, 3u);
        return 0;
    });
}

}  // namespace
}  // namespace worker
