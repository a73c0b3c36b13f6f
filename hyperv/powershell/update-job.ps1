# The process that downloads or installs updates: started by Watari.Probe's Start-UpdateTask as a task of Windows, so
# that it outlives the worker that asked. What to do, and how far it is, stands in the registry; see updates.ps1.
Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'Watari.HyperV.psd1') -DisableNameChecking
& (Get-Module -Name 'Watari.HyperV') { Invoke-UpdateJob }
