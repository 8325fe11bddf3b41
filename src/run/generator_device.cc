// The generator's part that a device has: how it is opened, what it keeps of texts that ended.
#include <algorithm>

#include "run/generator.h"
#include "run/open_device.h"

namespace lathe::run {
namespace {

// A beginning of fewer tokens is computed again, sooner than a conversation is cut off there: many texts have the first
// few in common.
constexpr int64_t kLeastKept = 16;

}  // namespace

Status Generator::open_device(const GeneratorOptions& options) {
  if (options.cache_type != ops::KvType::f32)
    return unsupported("keys and values are to be kept as " +
                       std::string(paged_attention::type_name(options.cache_type)) +
                       ", needed on a device: f32, the only type that its attention reads");
  if (options.cache_bytes != 0)
    return unsupported("the cache of keys and values is limited to " + std::to_string(options.cache_bytes) +
                       " bytes, needed on a device: no limit but the context");
  // Pages that hold nothing: what is where is all that is asked of them.
  pool_ = std::make_unique<ops::KvPool>(ops::KvShape{});
  auto device = run::open_device(*options.device, options.pipelines, options.cache.warn);
  if (!device) return device.status();
  auto opened = models::DeviceDecoder::open(*decoder_, std::move(*device),
                                            {.context = context_,
                                             .prompt_tokens = prompt_tokens_,
                                             .dispatch = options.dispatch,
                                             .uploaded = options.uploaded,
                                             .measured = options.measured});
  if (!opened) return opened.status();
  device_ = std::move(*opened);
  return {};
}

void Generator::set_dispatch(ops::Dispatch dispatch) {
  device_ ? device_->set_dispatch(dispatch) : decoder_->set_dispatch(dispatch);
}

// What a text that ended has of the prompt becomes the session's, where it lies: nothing is copied on the device. What
// sessions that go on have is theirs alone.
void Generator::take_kept(Session& session) {
  auto best = kept_.end();
  int64_t length = kLeastKept - 1;
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    const int64_t alike = std::ranges::mismatch(kept->ids, session.ids).in1 - kept->ids.begin();
    const int64_t common = std::min({alike, kept->text.length(), std::ssize(session.ids) - 1});
    if (common <= length) continue;
    length = common;
    best = kept;
  }
  if (best == kept_.end()) return;
  session.text = best->text.fork(length);
  session.on_device = std::move(best->on_device);
  kept_.erase(best);
}

// What is kept goes, the oldest first, before a session that lives finds no room. False where it ended instead.
bool Generator::make_device_room(Session& session, int64_t count, const Each& each) {
  for (;;) {
    Status status = device_->make_room(session.on_device, session.text.length(), count);
    if (status.ok()) return true;
    if (status.code() != Code::out_of_memory || kept_.empty()) {
      end(session, Finish::failed, std::move(status), each);
      return false;
    }
    kept_.erase(kept_.begin());
  }
}

std::vector<Session*> Generator::with_device_room(std::span<Session* const> sessions, int64_t count, const Each& each) {
  std::vector<Session*> going;
  for (Session* session : sessions)
    if (make_device_room(*session, count, each)) going.push_back(session);
  return going;
}

}  // namespace lathe::run
