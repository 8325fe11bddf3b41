// "value | name(...)" and "value is name(...)".
#pragma once

#include "chat/methods.h"

namespace lathe::chat {

Value apply_filter(const Value& value, const Arguments& arguments, Heap& heap);
bool apply_test(const Value& value, const Arguments& arguments, Heap& heap);

}  // namespace lathe::chat
