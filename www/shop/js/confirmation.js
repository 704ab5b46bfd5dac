/** Puts the confirmation in the place of its form, and takes the keyboard and the screen reader there. */
export function confirmInPlaceOf(form, confirmation) {
  form.hidden = true;
  confirmation.hidden = false;
  confirmation.focus();
}
