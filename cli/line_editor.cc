#include "line_editor.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <cwchar>

#include "platform/files.h"

namespace lathe::cli {
namespace {

constexpr int kLinesKept = 1000;

// The editor takes bytes for characters as the locale says. Nothing else is changed by it: numbers keep their point.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  const char* prompt = "";
  int interrupts[2] = {-1, -1};  // a pipe
  bool interrupted = false;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (history != nullptr) ::history_end(history);
    if (editor != nullptr) ::el_end(editor);
    for (const int fd : interrupts)
      if (fd >= 0) ::close(fd);
  }

  static State& of(EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  void forget_interrupts() const {
    char bytes[64];
    while (::read(interrupts[0], bytes, sizeof bytes) > 0) {
    }
  }
  // The next character, or an interrupt; as el_rfunc_t wants it. Bytes that are none are passed over.
  static int read_character(EditLine* editor, wchar_t* character) {
    State& state = of(editor);
    std::mbstate_t shift{};
    for (;;) {
      pollfd waiting[] = {{STDIN_FILENO, POLLIN, 0}, {state.interrupts[0], POLLIN, 0}};
      if (::poll(waiting, 2, -1) < 0) {
        if (errno == EINTR) continue;
        return -1;
      }
      if (waiting[1].revents != 0) {
        state.interrupted = true;
        return -1;
      }
      char byte;
      const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return static_cast<int>(got);
      const size_t length = std::mbrtowc(character, &byte, 1, &shift);
      if (length == static_cast<size_t>(-1)) shift = {};
      if (length <= 1) return 1;
    }
  }
  static char* prompt_of(EditLine* editor) { return const_cast<char*>(of(editor).prompt); }
};

LineEditor::LineEditor(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineEditor::LineEditor(LineEditor&&) noexcept = default;
LineEditor::~LineEditor() = default;

Result<LineEditor> LineEditor::open() {
  use_utf8();
  auto state = std::make_unique<State>();
  state->editor = ::el_init("lathe", stdin, stdout, stderr);
  state->history = ::history_init();
  if (state->editor == nullptr || state->history == nullptr) return failed("the terminal cannot be used for editing");
  if (!make_pipe(state->interrupts, /*blocking=*/false))
    return failed(std::string("cannot make a pipe: ") + std::strerror(errno));
  HistEvent event;
  ::history(state->history, &event, H_SETSIZE, kLinesKept);
  ::history(state->history, &event, H_SETUNIQUE, 1);
  EditLine* editor = state->editor;
  ::el_set(editor, EL_CLIENTDATA, static_cast<void*>(state.get()));
  ::el_set(editor, EL_PROMPT, &State::prompt_of);
  ::el_set(editor, EL_GETCFN, &State::read_character);
  ::el_set(editor, EL_EDITOR, "emacs");
  ::el_set(editor, EL_SIGNAL, 1);  // a signal finds the terminal as it was before
  ::el_set(editor, EL_HIST, ::history, state->history);
  ::el_source(editor, nullptr);  // the user's ~/.editrc, where there is one
  ::el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  return LineEditor(std::move(state));
}

Result<Input> LineEditor::read(std::string& line, const char* prompt) {
  State& state = *state_;
  state.prompt = prompt;
  state.forget_interrupts();  // of what came before
  state.interrupted = false;
  int count = 0;
  errno = 0;
  const char* typed = ::el_gets(state.editor, &count);
  if (typed == nullptr || count <= 0) {
    const int error = errno;
    std::fputc('\n', stdout);
    if (state.interrupted) return Input::interrupted;
    return count < 0 ? Result<Input>(io_error(std::string("cannot read the terminal: ") + std::strerror(error)))
                     : Input::end;
  }
  line.assign(typed, static_cast<size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
  HistEvent event;
  if (!line.empty()) ::history(state.history, &event, H_ENTER, typed);
  return Input::line;
}

void LineEditor::interrupt() noexcept {
  // A pipe that is full has an interrupt in it already.
  [[maybe_unused]] const ssize_t written = ::write(state_->interrupts[1], "", 1);
}

}  // namespace lathe::cli
