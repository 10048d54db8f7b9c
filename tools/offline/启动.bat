@echo off
rem Open the desk; the first time, install it from the wheels in this folder.
chcp 65001 >nul
cd /d "%~dp0"
set ALLOT_LANG=zh
set PYTHONUTF8=1
if not exist .venv\complete py -{python} install.py
if exist .venv\complete .venv\Scripts\allot.exe desk scenarios %*
pause
