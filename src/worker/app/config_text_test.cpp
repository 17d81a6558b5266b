#include "worker/app/config_text.h"

#include "worker/app/config_fixture.h"
#include "worker/app/draft.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

std::string help() {
    return invoke({.line = "--help"}).value().output;
}

TEST(ConfigTextTest, mentions_every_flag_alias_and_variable_in_the_help) {
    Draft draft;
    const FlagTable table(worker_flags(draft));
    const std::string text = help();
    const auto expect_mention = [&](const std::string& word) {
        EXPECT_NE(text.find(word), std::string::npos) << word;
    };
    for (const Flag* flag : table.flags()) {
        if (flag->scope != FlagScope::environment_only) expect_mention(" " + flag->spelling());
        for (const std::string& alias : flag->aliases) expect_mention(alias);
        for (const std::string& variable : flag->variables) expect_mention(variable);
    }
    for (const char* word : {"--help", "-h", "--version", "--build-info"}) expect_mention(word);
}

TEST(ConfigTextTest, lays_the_help_out_in_two_columns) {
    const std::string text = help();
    const std::string host = R"(
  --host ADDRESS               The address to listen on. One that is not loopback needs a token or
                               --no-auth. [default: 0.0.0.0 with a token, else 127.0.0.1]
)";
    const std::string context = R"(
  -c, --context-size TOKENS    The longest sequence, prompt and output together. 0 is the model's
                               own. [default: the model's, or what memory holds; also --ctx-size]
)";
    const std::string token = R"(
  LLORCH_API_TOKEN=TOKEN       A token itself, valid beside those of the file. Taken from the
)";
    EXPECT_NE(text.find(host), std::string::npos) << text;
    EXPECT_NE(text.find(context), std::string::npos) << text;
    EXPECT_NE(text.find(token), std::string::npos) << text;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), 100u) << line;
        EXPECT_FALSE(line.ends_with(' ')) << line;
    }
}

TEST(ConfigTextTest, prints_what_was_resolved_with_its_sources_and_without_secrets) {
    const SettingsFile file("parallel = 4\n");
    const Result<Invocation> checked =
        invoke({.line = "--check-config --model /m/x.gguf --device cuda:1 --callback-url "
                        "http://h/p?token=s3cret --config " +
                        file.path(),
                .variables = {{"LLORCH_API_TOKEN", "s3cret"},
                              {"LLM_WORKER_MAX_BODY", "2048KiB"},
                              {"LLM_WORKER_NO_AUTH", "1"}}});
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_EQ(checked->action, Action::check);
    const std::string& text = checked->output;
    EXPECT_EQ(text.find("s3cret"), std::string::npos);
    for (const std::string& line : std::vector<std::string>{
             "# warning: LLM_WORKER_NO_AUTH has no effect, because LLORCH_API_TOKEN sets a token\n",
             "# Model\nmodel = \"/m/x.gguf\"  # --model\nmodel-ref = \"/m/x.gguf\"\n",
             "# context-size: the model's, or what memory holds\n",
             "\nhost = \"0.0.0.0\"\n",
             "\nport = 8080\n",
             "\nmax-body = \"2MiB\"  # LLM_WORKER_MAX_BODY\n",
             "\ncallback-url = \"http://h/p?***\"  # --callback-url\n",
             "\n# api-token = \"***\"  # LLORCH_API_TOKEN\n",
             "\nbackend = \"cuda\"\ndevice = \"1\"  # --device\n",
             "\nparallel = 4  # " + file.path() + " line 1\n",
             "\ndrain-timeout = \"8s\"\n",
             "\nno-mmap = false\n",
             "\n# config = \"" + file.path() + "\"  # --config\n",
         }) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
    }
}

TEST(ConfigTextTest, prints_a_configuration_file_that_gives_the_same_again) {
    const auto without_sources = [](const std::string& text) {
        std::istringstream lines(text);
        std::string out;
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with('#')) out += line.substr(0, line.find("  # ")) + "\n";
        }
        return out;
    };
    const std::string first =
        invoke({.line = "--check-config --model a\"\\b --queen-url http://h --device 0,1 "
                        "--tensor-split 3,0.5 --cors-origin https://a --no-mmap -ngl -1"})
            .value()
            .output;
    const SettingsFile file(first);
    const Result<Invocation> second = invoke({.line = "--check-config --config " + file.path()});
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(without_sources(second->output), without_sources(first));
}

}  // namespace
}  // namespace worker
