// A worker as a process, whatever it serves: from its arguments to its exit code. Nothing else
// writes to the terminal.
#pragma once

#include "worker/app/config.h"
#include "worker/app/daemon.h"
#include "worker/base/result.h"
#include "worker/model_file/resolve.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace worker {

// What a worker is built of, beside the settings of its modality.
struct Outside {
    Daemon::Parts daemon;
    ModelPlaces places;
};

// What is the modality's own in a process.
template <class Settings>
struct Modality {
    Program (*program)(Settings&);  // its flags set the settings
    // Returns the exit code.
    int (*serve)(const Settings&, const Outside&);
};

// The same for settings that are somewhere.
struct BoundModality {
    Program program;
    Program again;  // when SIGHUP reads the settings once more: what is the modality's own stays
    std::function<int(const Outside&)> serve;
};

// Errors as one line on stderr. Returns the exit code.
int run_process(const std::vector<std::string>& arguments, const Environment& environment,
                const BoundModality& modality);

template <class Settings>
int run_process(int argc, char** argv, const Modality<Settings>& modality) {
    Settings settings;
    Settings unread;
    return run_process(
        {argv, argv + argc}, process_environment(),
        {.program = modality.program(settings),
         .again = modality.program(unread),
         .serve = [&](const Outside& outside) { return modality.serve(settings, outside); }});
}

// Returns the exit code.
int cannot_start(const Error& error);

// For whoever asked for any free port. A stdout that nobody reads must not hold up the start.
void print_address(const std::string& host, std::uint16_t port);

// The end of `Modality::serve`: what was bound runs until it is shut down. Returns the exit code.
template <class Worker>
int run_bound(const Config& config, const Result<std::unique_ptr<Worker>>& worker) {
    if (!worker) return cannot_start(worker.error());
    if (config.port == 0) print_address(config.host, (*worker)->port());
    return (*worker)->run();
}

}  // namespace worker
