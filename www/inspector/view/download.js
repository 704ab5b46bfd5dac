/**
 * Saves text as a file.
 *
 * @param {string} text
 * @param {string} fileName
 */
export function downloadJson(text, fileName) {
  const url = URL.createObjectURL(
    new Blob([text], { type: "application/json" }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  // the download has read the URL by the next task
  setTimeout(() => URL.revokeObjectURL(url));
}
