#!/bin/sh
# Stands for models/download-ggml-model.sh of whisper.cpp: the same arguments, names and words, and a model of seven bytes.
model=$1
case "$model" in
  tiny | tiny.en | base | base.en | small | small.en | medium | large-v3 | large-v3-turbo | large-v3-turbo-q5_0) ;;
  *)
    printf "Invalid model: %s\n" "$model"
    exit 1
    ;;
esac
printf "Downloading ggml model %s from '%s' ...\n" "$model" "https://huggingface.co/ggerganov/whisper.cpp"
cd "$2" || exit 1
if [ -f "ggml-$model.bin" ]; then
  printf "Model %s already exists. Skipping download.\n" "$model"
  exit 0
fi
sleep "${STAND_IN_PULL_S:-1}"
if [ "${STAND_IN_PULL_FAILS:-}" = 1 ]; then
  echo half >"ggml-$model.bin"
  printf "Failed to download ggml model %s \n" "$model"
  exit 1
fi
echo weights >"ggml-$model.bin"
printf "Done! Model '%s' saved in '%s/ggml-%s.bin'\n" "$model" "$2" "$model"
