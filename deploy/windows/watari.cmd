@rem The watari command for Windows: Set-Alias watari "C:\Program Files\watari-0.1.0\deploy\windows\watari.cmd"
@node "%~dp0..\..\dist\client\main.js" %*
