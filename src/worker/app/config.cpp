#include "worker/app/config.h"

#include "worker/app/config_text.h"
#include "worker/app/draft.h"
#include "worker/app/given.h"
#include "worker/app/resolve.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace worker {
namespace {

#ifdef NDEBUG
constexpr const char* build_kind = "release";
#else
constexpr const char* build_kind = "debug";
#endif

std::vector<FlagGroup> all_flags(Draft& draft, const Program& program) {
    std::vector<FlagGroup> groups = worker_flags(draft);
    groups.insert(groups.end(), program.flags.begin(), program.flags.end());
    return groups;
}

// The answer to the first question (in the order of this table) that is among the arguments.
std::optional<std::string> answer(std::span<const std::string> arguments, const Program& program,
                                  const FlagTable& table) {
    std::array<Question, 3> questions{{
        {"--build-info", "", "Prints release or debug.",
         [] { return std::string(build_kind) + "\n"; }},
        {"--help", "-h", "Prints this text.", {}},
        {"--version", "", "Prints name and version.",
         [&] { return program.name + " " + program.version + "\n"; }},
    }};
    questions[1].answer = [&] { return help_text(program, table, questions); };
    for (const Question& question : questions) {
        const bool asked =
            std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
                return argument == question.spelling ||
                       (!question.alias.empty() && argument == question.alias);
            });
        if (asked) return question.answer();
    }
    return {};
}

// From every source, the strongest first.
Result<std::vector<Given>> gather(std::span<const std::string> arguments,
                                  const Environment& environment, const FlagTable& table) {
    Result<std::vector<Given>> given = read_command_line(arguments, table);
    if (!given) return given;
    add_weaker(*given, read_environment(environment, table));
    const auto file = std::find_if(given->begin(), given->end(),
                                   [](const Given& one) { return one.flag->name == "config"; });
    if (file == given->end()) return given;
    Result<std::vector<Given>> settings = read_config_file(*file, table);
    if (!settings) return settings;
    add_weaker(*given, std::move(*settings));
    return given;
}

}  // namespace

Environment process_environment() {
    return {.variable = [](const std::string& name) -> std::optional<std::string> {
                const char* const value = std::getenv(name.c_str());
                if (!value) return {};
                return value;
            },
            .stderr_is_terminal = isatty(STDERR_FILENO) == 1};
}

Result<Invocation> parse_invocation(const std::vector<std::string>& arguments,
                                    const Environment& environment, const Program& program) {
    Draft draft;
    const FlagTable table(all_flags(draft, program));
    const std::string program_path = arguments.empty() ? std::string() : arguments.front();
    const auto flags = std::span(arguments).subspan(arguments.empty() ? 0 : 1);
    if (std::optional<std::string> text = answer(flags, program, table)) {
        return Invocation{
            .action = Action::print_and_exit, .config = {}, .output = std::move(*text)};
    }
    const Result<std::vector<Given>> given = gather(flags, environment, table);
    if (!given) return fail(given.error());
    if (const auto applied = apply(*given); !applied) return fail(applied.error());
    const Sources sources = sources_of(*given);
    const Surroundings surroundings{.program_path = program_path,
                                    .stderr_is_terminal = environment.stderr_is_terminal};
    if (const auto resolved = resolve(draft, sources, surroundings); !resolved)
        return fail(resolved.error());
    const SourceOf source_of = [&](const std::string& flag) { return named(sources, flag); };
    const auto agreed = program.check ? program.check(draft.config, source_of) : Result<void>();
    if (!agreed) return fail(agreed.error());
    if (draft.check_config) {
        std::string settings = resolved_text(table, sources, draft.config.warnings);
        return Invocation{.action = Action::check,
                          .config = std::move(draft.config),
                          .output = std::move(settings)};
    }
    return Invocation{.action = Action::serve, .config = std::move(draft.config), .output = {}};
}

}  // namespace worker
