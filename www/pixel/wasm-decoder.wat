;; Decodes the module: replaces the embedded text, as UTF-8 in this memory, by the bytes of the module. Each character is one byte,
;; its low 8 bits, but a closing parenthesis is 0, by far the most frequent byte. A loop of this length in JavaScript that has
;; just loaded, and so is not optimized yet, would take a sixth of the start.
(module
  (memory (export "m") 4)
  (func (export "d") (param $end i32) (result i32)
    (local $from i32) (local $to i32) (local $character i32)
    (loop $next
      (local.set $character (i32.load8_s (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      ;; a byte above 127 is negative here, and starts a character of two bytes
      (if (i32.lt_s (local.get $character) (i32.const 0))
        (then
          (local.set $character
            (i32.or
              (i32.shl (local.get $character) (i32.const 6))
              (i32.and (i32.load8_u (local.get $from)) (i32.const 63))))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))))
      (i32.store8 (local.get $to)
        (i32.mul
          (local.get $character)
          (i32.ne (local.get $character) (i32.const 41))))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $end))))
    (local.get $to)))
