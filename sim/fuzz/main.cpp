// The fuzzers as a program, for runs of minutes; `make test` replays the corpus and runs seconds (fuzz_test.cpp).
//
//   sim_fuzz tsql|tds --seconds N [--seed S] [--into FOLDER]   changed inputs, made from seed S on
//   sim_fuzz tsql|tds FILE...                                  these inputs
//   sim_fuzz tsql|tds --shorten FILE                           a shorter input that still finds something, into FILE
//
// Inputs run in child processes, some tens in each: a crash ends one of them, and its input is kept in FOLDER. The exit
// code is 1 where something was found.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>

#include "base/error.h"
#include "sim/fuzz/statements.h"
#include "sim/fuzz/streams.h"

namespace {

using namespace tailrace;
using namespace tailrace::sim::fuzz;

constexpr std::uint64_t inputs_a_child = 40;
constexpr long most_resident_kb = 3L << 20;  // Sanitizers take a multiple.

// Shared with the children.
struct Progress {
  std::uint64_t next = 0;     // The input that runs, or runs next.
  std::uint64_t batches = 0;  // Of all scripts so far.
  char finding[4096] = {};
};

// One front's inputs: how they are made from a seed, and run. Texts are as they stand in files.
struct Front {
  std::function<std::string(std::uint64_t seed)> make;
  std::function<std::string(const std::string& text)> run;
  std::function<std::vector<std::string>(const std::string& text)> parts;  // For shortening.
  std::string_view extension;
};

Front statement_front() {
  std::vector<Script> known = read_scripts(TAILRACE_TSQL_TESTDATA);
  for (Script& script : read_scripts(TAILRACE_FUZZ_CORPUS "/tsql"))
    known.push_back(std::move(script));
  auto splicer = std::make_shared<Splicer>(known);
  auto target = std::make_shared<std::unique_ptr<Statements>>();
  return {.make =
              [splicer](std::uint64_t seed) {
                Random random(seed);
                return script_text(splicer->script(random));
              },
          .run =
              [target](const std::string& text) {
                if (!*target) *target = std::make_unique<Statements>();
                return (*target)->run(parse_script(text));
              },
          .parts =
              [](const std::string& text) {
                std::vector<std::string> out;
                for (const std::string& batch : parse_script(text))
                  out.push_back(script_text({batch}));
                return out;
              },
          .extension = "sql"};
}

Front stream_front() {
  auto known = std::make_shared<std::vector<std::string>>(good_streams());
  for (std::string& stream : read_streams(TAILRACE_FUZZ_CORPUS "/tds"))
    known->push_back(std::move(stream));
  auto target = std::make_shared<std::unique_ptr<Streams>>();
  return {.make =
              [known](std::uint64_t seed) {
                Random random(seed);
                return stream_text(changed_stream(*known, random));
              },
          .run =
              [target](const std::string& text) {
                if (!*target) *target = std::make_unique<Streams>();
                return (*target)->run(parse_stream(text));
              },
          .parts =
              [](const std::string& text) {
                std::vector<std::string> out(1);
                for (const char c : text) {
                  out.back().push_back(c);
                  if (out.back().ends_with("\n\n")) out.emplace_back();
                }
                return out;
              },
          .extension = "hex"};
}

// Runs `body` in a child; true when it came to a good end.
bool in_child(const std::function<int()>& body) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  TAILRACE_ASSERT(child >= 0);
  if (child == 0) std::exit(body());  // With destructors and the search for leaks.
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0) {
  }
  if (usage.ru_maxrss > most_resident_kb) fmt::print("a child took {} MB\n", usage.ru_maxrss >> 10);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 && usage.ru_maxrss <= most_resident_kb;
}

Progress& shared_progress() {
  void* memory = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  TAILRACE_ASSERT(memory != MAP_FAILED);
  return *new (memory) Progress;
}

void note(Progress& progress, const std::string& finding) {
  const std::size_t size = finding.copy(progress.finding, sizeof progress.finding - 1);
  progress.finding[size] = 0;
}

int fuzz(const Front& front, std::uint64_t seed, std::int64_t seconds, const std::string& folder) {
  using Clock = std::chrono::steady_clock;
  std::filesystem::create_directories(folder);
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  Progress& progress = shared_progress();
  progress.next = seed;
  std::uint64_t found = 0;
  while (Clock::now() < end) {
    const std::uint64_t last = progress.next + inputs_a_child;
    progress.finding[0] = 0;
    const bool good = in_child([&] {
      for (; progress.next < last && Clock::now() < end; ++progress.next) {
        const std::string finding = front.run(front.make(progress.next));
        if (finding.empty()) continue;
        note(progress, finding);
        return 1;
      }
      return 0;
    });
    if (good) continue;
    ++found;
    const std::string path = fmt::format("{}/{}.{}", folder, progress.next, front.extension);
    std::ofstream(path) << front.make(progress.next);
    fmt::print("FOUND {}: {}\n", path, progress.finding[0] != 0 ? progress.finding : "the process ended");
    ++progress.next;
  }
  fmt::print("{} inputs from seed {} on, {} found something\n", progress.next - seed, seed, found);
  return found == 0 ? 0 : 1;
}

int replay(const Front& front, const std::vector<std::string>& paths) {
  int found = 0;
  for (const std::string& path : paths) {
    const std::string finding = front.run(file_text(path));
    fmt::print("{}: {}\n", path, finding.empty() ? "nothing" : finding);
    if (!finding.empty()) found = 1;
  }
  return found;
}

// Takes pieces away, large ones first, as long as something is found.
std::string shortened(std::vector<std::string> parts, const std::function<bool(const std::string&)>& finds) {
  const auto joined = [](const std::vector<std::string>& from) {
    std::string out;
    for (const std::string& part : from)
      out += part;
    return out;
  };
  for (std::size_t size = std::max<std::size_t>(1, parts.size() / 2);;
       size = std::max<std::size_t>(1, size / 2)) {
    bool shorter = false;
    for (std::size_t at = 0; at < parts.size();) {
      std::vector<std::string> tried = parts;
      const auto begin = tried.begin() + static_cast<std::ptrdiff_t>(at);
      tried.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, parts.size() - at)));
      if (finds(joined(tried))) {
        parts = std::move(tried);
        shorter = true;
      } else {
        at += size;
      }
    }
    if (size == 1 && !shorter) return joined(parts);
  }
}

int shorten(const Front& front, const std::string& path) {
  const auto finds = [&front](const std::string& text) {
    return !in_child([&] { return front.run(text).empty() ? 0 : 1; });
  };
  std::string text = file_text(path);
  if (!finds(text)) {
    fmt::print("{} finds nothing\n", path);
    return 1;
  }
  text = shortened(front.parts(text), finds);
  if (front.extension == "sql") {
    // Then words; a piece is a word with the blanks behind it.
    std::vector<std::string> words(1);
    for (const char c : text) {
      words.back().push_back(c);
      if (c == ' ' || c == '\n' || c == ',' || c == '(' || c == ')') words.emplace_back();
    }
    if (words.size() < 3000) text = shortened(std::move(words), finds);
  }
  std::ofstream(path) << text;
  return 0;
}

int run(std::vector<std::string> arguments) {
  const auto option = [&arguments](std::string_view name) -> std::string {
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
      if (arguments[i] != name) continue;
      std::string value = arguments[i + 1];
      const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(i);
      arguments.erase(at, at + 2);
      return value;
    }
    return {};
  };
  if (arguments.empty() || (arguments[0] != "tsql" && arguments[0] != "tds"))
    throw Error(
        ErrorKind::config,
        "usage: sim_fuzz tsql|tds (--seconds N [--seed S] [--into FOLDER] | FILE... | --shorten FILE)");
  const Front front = arguments[0] == "tsql" ? statement_front() : stream_front();
  arguments.erase(arguments.begin());
  const std::string seconds = option("--seconds");
  const std::string seed = option("--seed");
  const std::string into = option("--into");
  const std::string path = option("--shorten");
  if (!path.empty()) return shorten(front, path);
  if (seconds.empty()) return replay(front, arguments);
  return fuzz(front, seed.empty() ? 1 : std::stoull(seed), std::stoll(seconds),
              into.empty() ? "findings" : into);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "sim_fuzz: {}\n", error.what());
    return 2;
  }
}
